"""A real browser without a screen: Chromium, driven through pipes by its DevTools protocol."""

import base64
import json
import os
import shutil
import subprocess
import time

import pytest

PROGRAM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe",
)  # fmt: skip


class Page:
    """A page of the browser.

    Parameters
    ----------
    folder
        Where the browser may write.
    width, height
        Size of its window in pixels.
    """

    def __init__(self, folder, width=1200, height=800):
        if PROGRAM is None:
            pytest.skip("needs Chromium")
        self.events, self._number, self._rest = [], 0, b""
        to_read, self._out = os.pipe()
        self._in, to_write = os.pipe()
        # the protocol's pipes are 3 and 4, which may be taken here: the shell puts them there
        script = f'exec 3<&{to_read} 4>&{to_write}; exec "$0" "$@"'
        flags = [*_FLAGS, f"--user-data-dir={folder}", f"--window-size={width},{height}", "about:blank"]
        self._process = subprocess.Popen(
            ["bash", "-c", script, PROGRAM, *flags], pass_fds=(to_read, to_write),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "HOME": str(folder)},
        )  # fmt: skip
        os.close(to_read)
        os.close(to_write)
        targets = self._call("Target.getTargets")["targetInfos"]
        target = next(t["targetId"] for t in targets if t["type"] == "page")
        self._session = None
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", **size)

    def _call(self, method, **params):
        """Send a command and return its result; events that come before it are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if getattr(self, "_session", None):
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self._rest:
                block = os.read(self._in, 1 << 20)
                assert block, "the browser ended"
                self._rest += block
            line, _, self._rest = self._rest.partition(b"\0")
            answer = json.loads(line)
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def open(self, path):
        """Open a file and wait until it is there."""
        self._call("Page.navigate", url=path.absolute().as_uri())
        self.wait("document.readyState === 'complete'")

    def run(self, script):
        """Return the value of a script."""
        result = self._call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def wait(self, condition, seconds=20):
        """Wait until a script's value is true."""
        end = time.monotonic() + seconds
        while not self.run(f"Boolean({condition})"):
            assert time.monotonic() < end, condition
            time.sleep(0.02)

    def mouse(self, kind, x, y, **more):
        """Let the mouse do something: move, press, release, wheel."""
        names = {"move": "mouseMoved", "press": "mousePressed", "release": "mouseReleased", "wheel": "mouseWheel"}
        button = {} if kind in ("move", "wheel") else {"button": "left", "clickCount": 1}
        self._call("Input.dispatchMouseEvent", type=names[kind], x=x, y=y, **button, **more)

    def click(self, x, y):
        """Press and release the mouse's button."""
        for kind in ("move", "press", "release"):
            self.mouse(kind, x, y)

    def type(self, text):
        """Enter a text where the cursor is."""
        self._call("Input.insertText", text=text)

    def key(self, key):
        """Press a key."""
        code = {"Enter": 13, "Escape": 27}.get(key, ord(key[0].upper()))
        text = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            more = text if kind == "keyDown" else {}
            self._call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **more)

    def prefer(self, scheme):
        """Ask for light or dark colours."""
        self._call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self):
        """Return a picture of the page, PNG."""
        self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return base64.b64decode(self._call("Page.captureScreenshot", format="png")["data"])

    def troubles(self):
        """Return what the browser complained about: exceptions, errors, requests for anything but the page."""
        self.run("0")
        found = []
        for event in self.events:
            method, params = event.get("method"), event.get("params", {})
            if method == "Runtime.exceptionThrown" or (
                method == "Log.entryAdded" and params["entry"]["level"] == "error"
            ):
                found.append(params)
            if method == "Network.requestWillBeSent" and params["documentURL"] != params["request"]["url"]:
                found.append(params["request"]["url"])
            if method in ("Runtime.exceptionThrown", "Page.javascriptDialogOpening"):
                found.append(params)
        return found

    def close(self):
        """End the browser."""
        for number in (self._out, self._in):
            os.close(number)
        self._process.kill()
        self._process.wait()
