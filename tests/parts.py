"""A run in parts: stopped after some chunks, and resumed from its checkpoint."""

import signal

from w2vfast.system.signals import StopRequests
from w2vfast.training.checkpoint import Checkpoints, Saved
from w2vfast.training.monitor import Monitor
from w2vfast.training.trainer import Trainer


def run_in_parts(text, tmp_path, config, *, at):
    """Train, stopping after the given numbers of chunks, each time going on from the checkpoint."""
    path = tmp_path / "m.ckpt"
    for n_chunks in [*at, 10**9]:
        trainer = Trainer(text, config, Monitor())
        if path.exists():
            saved = Saved(path)
            assert saved.config({}) == config
            saved.check(text)
            saved.fill(trainer.model)
            trainer.resume(saved.state)
        left = n_chunks
        stop = StopRequests("")
        checkpoints = Checkpoints(path, stop, Monitor(), 1e9)

        def after_chunk(trainer, checkpoints=checkpoints, stop=stop):
            nonlocal left
            left -= 1
            if left == 0:
                stop.number = signal.SIGINT
            checkpoints.after_chunk(trainer)

        with checkpoints:
            try:
                trainer.run(after_chunk)
                return trainer
            except KeyboardInterrupt:
                continue
    raise AssertionError
