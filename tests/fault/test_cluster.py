"""Training on a Dask cluster: the bits of the loop in one process, whatever dies meanwhile."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from test_distributed import Notes, same, train, write_lines

from w2vfast.distributed.engine import workers_of
from w2vfast.distributed.manifest import NAME
from w2vfast.distributed.prepare import MOST_REPLICAS
from w2vfast.errors import ClusterError, FormatError, OutOfMemoryError, OutputError, UsageError
from w2vfast.model.embeddings import Embeddings

pytest.importorskip("distributed", reason="needs the extra dask")

from w2vfast.distributed.dask_engine import DaskEngine

pytestmark = pytest.mark.filterwarnings("default")  # Dask's own are not ours to mend


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """A part of the sample."""
    path = tmp_path_factory.mktemp("text") / "text.txt"
    write_lines(path, 1500)
    return path


@pytest.fixture(scope="module")
def expected(text, tmp_path_factory):
    """What the loop in one process makes of it."""
    folder = tmp_path_factory.mktemp("expected")
    return train(text, folder / "run", folder / "m.w2v", n_rounds=6)


@pytest.fixture(scope="module")
def engine():
    """A cluster of two processes."""
    with DaskEngine("local:2") as engine:
        yield engine


def pids(engine):
    """Process numbers of the workers."""
    return [found for found in engine.on_each(os.getpid).values() if isinstance(found, int)]


def test_a_cluster_gives_the_bits_of_one_process(text, expected, engine, tmp_path):
    notes = Notes()
    assert same(train(text, tmp_path / "run", tmp_path / "m.w2v", engine, notes, n_rounds=6), expected)
    assert "workers: 2, machines: 1" in notes.lines
    assert len(notes.progress) == 12
    assert engine.tokens_trained() > 0
    assert len(workers_of(engine)) == 2


def test_workers_that_are_killed_change_nothing(text, expected, engine, tmp_path):
    """Their work is done again, by others."""

    class Killing(Notes):
        n_killed = 0

        def trained(self, progress):
            super().trained(progress)
            if len(self.progress) in (2, 5, 9):
                threading.Timer(0.01 * len(self.progress), self.kill).start()

        def kill(self):
            for pid in pids(engine)[:1]:
                os.kill(pid, signal.SIGKILL)
                Killing.n_killed += 1

    assert same(train(text, tmp_path / "run", tmp_path / "m.w2v", engine, Killing(), n_rounds=6), expected)
    assert Killing.n_killed > 0


def test_threads_of_a_replica_make_each_attempt_another_and_one_is_taken(text, engine, tmp_path):
    model = train(text, tmp_path / "run", tmp_path / "m.w2v", engine, threads=2)
    assert model.params["threads"] == 2
    assert np.isfinite(model.vectors).all()
    assert model.most_similar("the")[0][1] > 0.2


class Cluster:
    """A scheduler and workers as a user starts them, each a process."""

    def __init__(self, *options, n_workers=1, env=None, threads=1, host="127.0.0.1"):
        self.env = {**os.environ, "DASK_DISTRIBUTED__DEPLOY__LOST_WORKER_TIMEOUT": "1 hour", **(env or {})}
        dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
        self.scheduler = subprocess.Popen(
            [*dask, "--host", host, "--port", "0", "--no-dashboard", *options],
            stderr=subprocess.PIPE, text=True, env=self.env,
        )  # fmt: skip
        self.address = ""
        while not self.address:
            line = self.scheduler.stderr.readline()
            assert line, "the scheduler has died"
            found = re.search(r"Scheduler at:\s+(\S+)", line)
            self.address = found[1] if found else ""
        self.drain = threading.Thread(target=self.scheduler.stderr.read)
        self.drain.start()
        self._options = [
            "--nthreads",
            str(threads),
            "--no-dashboard",
            "--memory-limit",
            "0",
            "--no-nanny",
            *options,
        ]
        self.workers = []
        for _ in range(n_workers):
            self.add_worker(host)

    def add_worker(self, host, *prefix):
        """Start a worker, by way of another command if need be."""
        command = [*prefix, sys.executable, "-m", "distributed.cli.dask_worker", self.address, "--host", host]
        process = subprocess.Popen([*command, *self._options], stderr=subprocess.DEVNULL, env=self.env)
        self.workers.append(process)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for process in [*self.workers, self.scheduler]:
            process.kill()
            process.wait()
        self.drain.join()
        self.scheduler.stderr.close()


def test_after_the_schedulers_death_the_run_goes_on_elsewhere(text, expected, tmp_path):
    class Killing(Notes):
        def trained(self, progress):
            super().trained(progress)
            if len(self.progress) == 4:
                cluster.scheduler.kill()

    store, output = tmp_path / "run", tmp_path / "m.w2v"
    with Cluster() as cluster, DaskEngine(cluster.address) as engine:
        with pytest.raises(ClusterError, match=r"lost the scheduler at tcp.*--resume"):
            train(text, store, output, engine, Killing(), n_rounds=6)
        assert not output.exists()
        assert (store / NAME).exists()
    notes = Notes()
    with DaskEngine("local:1") as engine:
        assert same(train(text, store, output, engine, notes, resume=True, n_rounds=6), expected)
    assert len(notes.progress) >= 8


def test_work_that_kills_its_workers_ends_the_run(text, tmp_path):
    """As too little memory does."""
    with Cluster(n_workers=4) as cluster, DaskEngine(cluster.address) as engine:
        result = engine.submit(os._exit, 1)
        while not engine.wait([result], 0.2):
            pass
        with pytest.raises(OutOfMemoryError, match="workers died again and again"):
            engine.get([result])


def test_errors_name_the_worker(text, engine, tmp_path):
    class Losing(Notes):
        def trained(self, progress):
            shutil.rmtree(tmp_path / "run")

    with pytest.raises((FormatError, OutputError), match=r"worker tcp://127\.0\.0\.1:\d+: cannot (read|write) "):
        train(text, tmp_path / "run", tmp_path / "m.w2v", engine, Losing())


def test_an_error_of_a_workers_disk_is_none_of_the_connection(engine):
    result = engine.submit(os.listdir, "/proc/none/folder")
    while not engine.wait([result], 0.2):
        pass
    with pytest.raises(OutputError, match=r"worker tcp://.*No such file"):
        engine.get([result])


def test_workers_that_would_train_twice_at_a_time_are_refused():
    with Cluster(threads=2) as cluster, pytest.raises(UsageError, match="--nthreads 1 or --resources 'w2v=1'"):
        DaskEngine(cluster.address)


def refusal(address):
    """What a new process says that may not wait long for an answer."""
    code = "import sys, w2vfast.distributed.dask_engine as e; e._CONNECT_SECONDS = 1; e.DaskEngine(sys.argv[1])"
    return subprocess.run([sys.executable, "-c", code, address], capture_output=True, text=True, timeout=60).stderr


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "tls://127.0.0.1:1"])
def test_an_address_without_a_cluster_is_refused(address):
    assert f"UsageError: no Dask scheduler answers at {address}" in refusal(address)


@pytest.mark.parametrize("address", ["nonsense", "tcp://host", "host:8786"])
def test_what_is_no_address_is_refused(w2v, address):
    done = w2v("cluster-check", address)
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
    assert b"tcp://HOST:PORT, or local:N, not " + address.encode() in done.stderr


def test_the_connection_can_be_encrypted_with_dasks_own_settings(text, expected, tmp_path):
    """Whoever has no certificate does not come in."""
    key, cert, tls = tmp_path / "key.pem", tmp_path / "cert.pem", "DASK_DISTRIBUTED__COMM__TLS__"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test", "-days", "2"]
    try:
        subprocess.run([*command, "-keyout", key, "-out", cert], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("needs openssl to make a certificate")
    env = {f"{tls}CA_FILE": str(cert)}
    for who in ("SCHEDULER", "WORKER", "CLIENT"):
        env |= {f"{tls}{who}__KEY": str(key), f"{tls}{who}__CERT": str(cert)}
    env["DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION"] = "true"
    command = [sys.executable, "-m", "w2vfast", "train", text, "--epochs", "2", "--threads", "1", "--dim", "20"]
    command += ["--min-count", "2", "--replicas", "3", "--rounds", "6", "-o", "m.w2v", "--workers"]
    with Cluster("--protocol", "tls", env=env) as cluster:
        assert cluster.address.startswith("tls://")
        assert "UsageError" in refusal(cluster.address)
        subprocess.run([*command, cluster.address], check=True, capture_output=True, cwd=tmp_path, env=cluster.env)
    assert same(Embeddings.load(tmp_path / "m.w2v"), expected)


@pytest.fixture
def far_host():
    """A network of its own at a cable of 100 Mbit/s: (prefix of its commands, our address, its own)."""
    name, (near, far) = f"w2v{os.getpid()}", ("10.213.77.1", "10.213.77.2")
    commands = (
        f"ip netns add {name}",
        f"ip link add {name}a type veth peer name {name}b netns {name}",
        f"ip addr add {near}/30 dev {name}a",
        f"ip link set {name}a up",
        f"ip netns exec {name} ip addr add {far}/30 dev {name}b",
        f"ip netns exec {name} ip link set {name}b up",
        f"tc qdisc add dev {name}a root tbf rate 100mbit burst 256k latency 100ms",
    )
    try:
        for command in commands:
            try:
                subprocess.run(command.split(), check=True, capture_output=True)
            except (OSError, subprocess.CalledProcessError):
                pytest.skip("the system allows no network namespaces")
        yield ("ip", "netns", "exec", name), near, far
    finally:
        subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def test_two_hosts_send_each_other_half_a_model_in_a_round(text, tmp_path, far_host):
    """And the bits are those of one process."""
    prefix, near, far = far_host
    params = {"dim": 500, "replicas": 2, "n_rounds": 3}
    expected = train(text, tmp_path / "w", tmp_path / "w.w2v", **params)
    cable = f"/sys/class/net/{prefix[-1]}a/statistics/"
    with Cluster(n_workers=1, host=near) as cluster:
        cluster.add_worker(far, *prefix)
        with DaskEngine(cluster.address) as engine:
            while len(workers_of(engine)) < 2:
                time.sleep(0.1)
            before = [int(Path(cable + name).read_text()) for name in ("rx_bytes", "tx_bytes")]
            assert same(train(text, tmp_path / "r", tmp_path / "m.w2v", engine, **params), expected)
            after = [int(Path(cable + name).read_text()) for name in ("rx_bytes", "tx_bytes")]
    half = 8 * len(expected) * 512 / 2
    moved = [(b - a) / 6 for a, b in zip(before, after, strict=True)]
    assert sum(moved) < 2 * 1.4 * half
    assert max(moved) > 0.5 * half


def test_the_command_trains_is_stopped_and_goes_on(text, w2v):
    """Ctrl-C says where the run is and how to go on; that command does."""
    args = ["train", text, "--workers", "local:2", "--min-count", "2", "--threads", "1", "--rounds", "50"]
    command = [sys.executable, "-m", "w2vfast", *map(str, args), "--epochs", "50"]
    process = subprocess.Popen(command, cwd=w2v.folder, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while not (w2v.folder / "model.w2v.run" / NAME).exists() and process.poll() is None:
        time.sleep(0.05)
    time.sleep(1)
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT, stderr
    assert re.search(r"stopped at [\d.]+ %, saved in .*model\.w2v\.run; model\.w2v was not written", stderr)
    assert f"to go on: w2vfast train {text} --workers local:2 --rounds 50 --resume" in stderr
    assert "Traceback" not in stderr
    changed = w2v("train", text, "--workers", "local:2", "--resume", "--epochs", "51")
    assert (changed.returncode, b"--epochs 51 (was 50)" in changed.stderr) == (2, True)


def test_cluster_check_tells_what_the_workers_have(w2v):
    done = w2v("cluster-check", "local:2", "--header", "--vocab-size", "1000")
    assert done.returncode == 0, done.stderr
    header, *rows = [line.split("\t") for line in done.stdout.decode().splitlines()]
    assert header == ["worker", "host", "cpus", "memory_bytes", "bytes_per_second", "versions", "cpu"]
    assert len(rows) == 2
    for row in rows:
        assert row[0].startswith("tcp://127.0.0.1:")
        assert int(row[4]) > 1e6
        assert "w2vfast=" in row[5]
    assert b"they fit" in done.stderr
    large = w2v("cluster-check", "local:1", "--vocab-size", "2000000000", "--dim", "10000", "--json")
    assert (large.returncode, b'"fits": false' in large.stdout) == (6, True)


def test_too_many_replicas_are_refused_with_the_reason(w2v, text):
    done = w2v("train", text, "--workers", "local:1", "--replicas", "8")
    assert done.returncode == 2
    assert f"has been shown for up to {MOST_REPLICAS} only".encode() in done.stderr
    assert not (w2v.folder / "model.w2v").exists()
