"""The public pages in a real browser: nothing in the console, nothing from elsewhere, readable at any width."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
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
PAGES = ["/", "/docs", "/problems/budget-exhausted"]


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
