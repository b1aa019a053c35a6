"""Tests of the docs page in a browser, through the gateway."""

import pytest
from playwright.sync_api import Page, expect

from tests.system.running import RunningSystem


@pytest.fixture
def docs(page: Page, system: RunningSystem) -> Page:
    """Open the docs page and wait until it shows auth's document."""
    page.goto(f"{system.url}/docs/")
    expect(page.locator("#operations-users-register")).to_be_visible()
    return page


def authorize(page: Page, token: str) -> None:
    page.get_by_role("button", name="Authorize").first.click()
    dialog = page.locator(".dialog-ux")
    dialog.locator("input").fill(token)
    dialog.get_by_role("button", name="Apply credentials").click()
    dialog.get_by_role("button", name="Close").first.click()


def try_out(page: Page, operation: str) -> None:
    block = page.locator(f"#operations-{operation}")
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()


def status_of(page: Page, operation: str) -> str:
    block = page.locator(f"#operations-{operation}")
    return block.locator(".live-responses-table .response-col_status").last.inner_text().split()[0]


def test_the_selector_lists_auth_and_fetch(docs: Page) -> None:
    options = docs.locator("#select option")
    assert options.all_inner_texts() == ["auth", "fetch"]


def test_selecting_fetch_shows_its_document(docs: Page) -> None:
    docs.locator("#select").select_option("/fetch/swagdocs")
    expect(docs.locator("#operations-list-resource")).to_be_visible()


def test_a_token_entered_once_works_in_both_documents(docs: Page, user_token: str) -> None:
    authorize(docs, user_token)
    try_out(docs, "tokens-claims")
    assert status_of(docs, "tokens-claims") == "200"
    docs.locator("#select").select_option("/fetch/swagdocs")
    expect(docs.locator("#operations-list-resource")).to_be_visible()
    try_out(docs, "rate-rate")
    assert status_of(docs, "rate-rate") == "200"


def test_the_token_survives_a_reload(docs: Page, user_token: str) -> None:
    authorize(docs, user_token)
    docs.reload()
    try_out(docs, "tokens-claims")
    assert status_of(docs, "tokens-claims") == "200"


def test_a_request_without_a_token_gets_401(docs: Page) -> None:
    try_out(docs, "tokens-claims")
    assert status_of(docs, "tokens-claims") == "401"


def test_the_page_requests_no_other_host_and_logs_no_errors(page: Page, system: RunningSystem) -> None:
    requested: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(f"{system.url}/docs/", wait_until="networkidle")
    assert len(requested) >= 5
    assert [url for url in requested if not url.startswith((system.url, "data:"))] == []
    assert errors == []
