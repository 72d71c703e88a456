"""Chromium without a window, for the tests of pages."""

import base64
import json
import shutil
import time
from pathlib import Path

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--allow-file-access-from-files",
)  # fmt: skip


class Browser:
    """Chromium on one page, and what it has asked for and complained about since."""

    def __init__(self, folder):
        from selenium.webdriver import Chrome, ChromeOptions
        from selenium.webdriver.chrome.service import Service

        options = ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for flag in (*FLAGS, f"--user-data-dir={folder}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.driver.set_script_timeout(120)

    def tell(self, command, **values):
        """Send a command of Chromium's own protocol."""
        return self.driver.execute_cdp_cmd(command, values)

    def open(self, path, *, scheme="light", width=1000, height=900, medium=""):
        """Open a file; returns how many seconds it took until it was loaded."""
        self.tell("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.tell("Emulation.setEmulatedMedia", media=medium, features=features)
        for log in ("browser", "performance"):
            self.driver.get_log(log)
        start = time.perf_counter()
        self.driver.get(path.as_uri())
        return time.perf_counter() - start

    def run(self, script, *values):
        """Return what a script on the page returns."""
        return self.driver.execute_script(script, *values)

    def complaints(self):
        """Return what stands in the console."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requested(self):
        """Return the addresses that were asked for, those inside of the page left out."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
        return [address for address in sent if not address.startswith("data:")]

    def violations(self):
        """Return what axe finds, in a line each."""
        import selenium_axe_python

        self.run((Path(selenium_axe_python.__file__).parent / "axe-core" / "axe.min.js").read_text(encoding="utf-8"))
        found = self.driver.execute_async_script("axe.run().then(arguments[arguments.length - 1])")
        return [f"{one['id']}: {node['html'][:150]}" for one in found["violations"] for node in one["nodes"]]

    def pdf(self):
        """Return the page as it is printed on A4."""
        import io

        import pypdf

        printed = self.tell("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, printBackground=True)
        return pypdf.PdfReader(io.BytesIO(base64.b64decode(printed["data"])))
