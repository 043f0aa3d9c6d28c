"""The public pages in a real browser: nothing in the console, nothing from elsewhere, readable at any width."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, sync_playwright

from tests.serving import Served

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PAGES = ["/", "/docs", "/problems/budget-exhausted", "/receipt"]


@pytest.fixture(scope="module")
def browser(tool: Callable[[str], str]) -> Iterator[Browser]:
    chromium = tool("chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield opened
        opened.close()


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_stands_by_itself(served: Served, browser: Browser, path: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    told: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    answer = page.goto(served.address + path)
    assert answer is not None and answer.status == 200
    assert page.locator("h1").count() == 1 and page.title().endswith("trusted research environment")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert told == [] and all(url.startswith(served.address) for url in asked)
    page.close()


def test_the_front_page_shows_the_catalogue(served: Served, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(served.address)
    page.locator("summary", has_text="patients").click()
    assert page.locator("th[scope=row]", has_text="imd_decile").is_visible()
    assert page.locator("code", has_text="measurements").first.is_visible()
    page.close()


def test_every_answer_carries_the_headers(served: Served) -> None:
    with served.http() as http:
        for path in ("/", "/v1/me", "/v1/no-such", "/livez", "/static/tre.css", "/openapi.json"):
            headers = http.get(path).headers
            assert headers["x-content-type-options"] == "nosniff", path
            assert (
                "default-src 'none'" in headers["content-security-policy"]
                and "frame-ancestors 'none'" in headers["content-security-policy"]
            )
            assert headers["referrer-policy"] == "no-referrer" and "cache-control" in headers
            assert "server" not in headers


def test_a_receipt_is_checked_without_a_script(served: Served, browser: Browser) -> None:
    """Its number pasted, with blanks around it and in capitals; words, and the file to keep. And one that is none."""
    with served.http("controller") as http:
        address = http.post("/v1/opt-outs", json={"regime": "national", "nhs_numbers": ["9434765919", "1"]}).headers["Location"]
        entered, rejected = (json.loads(line)["receipt"] for line in http.get(address).text.splitlines())
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 900})
    page = context.new_page()
    for number, told in ((f"  {entered.upper()} ", "The objection was entered"), (rejected, "Nothing was entered")):
        page.goto(served.address + "/receipt")
        page.get_by_label("The receipt’s number").fill(number)
        page.get_by_role("button", name="Check it").click()
        assert page.get_by_role("heading", name=told).is_visible()
        assert page.get_by_text("National data opt-out", exact=True).is_visible()
    page.goto(f"{served.address}/receipt?receipt={entered}")
    link = page.get_by_role("link", name="receipt as a file (JSON)").get_attribute("href")
    with served.http(None) as http:
        assert http.get(str(link)).json()["receipt"] == entered
    answer = page.goto(f"{served.address}/receipt?receipt={entered[:-1]}g<b>")
    assert answer is not None and answer.status == 404
    assert page.get_by_role("heading", name="There is no such receipt").is_visible() and page.locator("b").count() == 0
    context.close()


@pytest.mark.parametrize("width", [360, 1280])
def test_a_receipt_is_readable_at_any_width_and_by_anyone(served: Served, browser: Browser, width: int) -> None:
    with served.http("controller") as http:
        address = http.post("/v1/opt-outs", json={"regime": "type-1", "nhs_numbers": ["9434765919"]}).headers["Location"]
        receipt = http.get(address).json()["receipt"]
    page = browser.new_page(viewport={"width": width, "height": 900})
    for path in ("/receipt", f"/receipt?receipt={receipt}", "/receipt?receipt=none"):
        page.goto(served.address + path)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
    page.close()
