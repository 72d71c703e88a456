"""The form in a browser: fields, pictures and text are answered, faults are shown, and nothing is loaded from elsewhere."""

import shutil
import threading
from concurrent.futures import Future

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits


@pytest.fixture(scope="module")
def browser():
    """Chromium without a window."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="not installed: selenium")
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        pytest.skip("not installed: Chromium and its driver")
    options = webdriver.ChromeOptions()
    for option in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1000,900"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def address(folder, browser):
    """The address of a service of both runs, in a thread."""
    import asyncio

    uvicorn = pytest.importorskip("uvicorn", reason="not installed: hornbook[serve]")
    from hornbook.serving import serve
    from hornbook.serving.app import make_app
    from hornbook.serving.models import load_model
    from hornbook.serving.service import Limits, Service

    listening = serve.bind("127.0.0.1", 0)
    models = [load_model(folder / "runs" / name) for name in ("digits", "people")]
    started: Future = Future()

    async def run():
        server = uvicorn.Server(
            uvicorn.Config(make_app(Service({}, models, Limits())), log_config=None, lifespan="off")
        )
        started.set_result(server)
        await server.serve(sockets=[listening])

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    started.result().should_exit = True
    thread.join(30)
    listening.close()


def wait_for(browser, text):
    """Return what the page says once it says a text."""
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, 20).until(lambda page: text in page.find_element("id", "result").text)
    return browser.find_element("id", "result").text


def test_the_fields_of_a_table_are_answered_and_faults_are_shown(browser, address):
    from selenium.webdriver.common.keys import Keys

    browser.get(f"{address}/?model=people")
    field = browser.find_element("css selector", "input[data-name=age]")
    assert browser.find_element("css selector", f"label[for={field.get_attribute('id')}]").text == "age"
    field.clear()
    field.send_keys("70", Keys.ENTER)
    assert {"yes", "no"} <= {*wait_for(browser, "yes").split()}
    field.clear()
    field.send_keys(Keys.ENTER)
    assert wait_for(browser, "rows: ").startswith("rows: column 'age' has no value in row 1")


def test_a_chosen_picture_is_answered(browser, address, tmp_path):
    digits = load_digits()
    Image.fromarray((digits.images[0] * 255 / 16).astype(np.uint8)).resize((16, 16)).save(tmp_path / "digit.png")
    browser.get(f"{address}/?model=digits")
    browser.find_element("tag name", "button").click()
    wait_for(browser, "Choose a picture first.")
    browser.find_element("id", "files").send_keys(str(tmp_path / "digit.png"))
    browser.find_element("tag name", "button").click()
    assert "digit.png: resized from 16 × 16 to 8 × 8 pixels." in wait_for(browser, "resized")


def test_all_addresses_are_shown_and_nothing_comes_from_elsewhere(browser, address):
    import json

    from selenium.webdriver.support.ui import WebDriverWait

    browser.get(address)
    browser.get_log("browser")  # what other tests have asked for and was refused
    browser.find_element("link text", "All addresses").click()
    WebDriverWait(browser, 20).until(lambda page: "/predict/people" in page.find_element("tag name", "body").text)
    asked = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = [each["params"]["request"]["url"] for each in asked if each["method"] == "Network.requestWillBeSent"]
    assert len(urls) > 3
    assert [url for url in urls if not url.startswith((address, "data:", "blob:", "chrome"))] == []
    assert [entry for entry in browser.get_log("browser") if "favicon" not in entry["message"]] == []
