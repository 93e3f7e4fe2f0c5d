"""The pages /docs and /redoc work from this host alone."""

import re
from collections.abc import AsyncIterator
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from parkingspots.kit import docs
from parkingspots.kit.slashes import AnySlash

HOST = "parkingspots.test"
PAGES = ["/docs", "/redoc"]
ROOTS = ["", "/shop"]
THIRD_PARTY = Path(__file__).parents[2] / "docs" / "third-party.md"
VENDORED = sorted(
    file for folder in ("swagger-ui", "redoc") for file in (docs.ASSETS / folder).iterdir() if file.is_file()
)
TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".png": "image/png",
    ".json": "application/json",
}


class Html(HTMLParser):
    """The start tags of a page, in order, and the text of each element by its tag."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags:
            self.texts.setdefault(self.tags[-1][0], data)

    def urls(self) -> list[str]:
        names = ("href", "src", "data-openapi-url")
        return [url for _, attributes in self.tags for name in names if (url := attributes.get(name))]


def an_api() -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url="/api/v1/openapi.json", redirect_slashes=False)

    @app.get("/api/v1/parking-spots/search")
    async def search() -> list[str]:
        return []

    docs.install(app)
    return app


def a_client(root: str = "") -> AsyncClient:
    transport = ASGITransport(AnySlash(an_api(), declared=()), root_path=root)
    return AsyncClient(transport=transport, base_url=f"https://{HOST}")


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with a_client() as client:
        yield client


def policy_of(header: str) -> dict[str, list[str]]:
    directives = (directive.split() for directive in header.split(";"))
    return {name: sources for name, *sources in directives}


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("page", PAGES)
async def test_everything_that_a_page_names_is_on_its_host_and_of_the_right_type(
    page: str, slash: str, root: str
) -> None:
    async with a_client(root) as client:
        answer = await client.get(f"{root}{page}{slash}")
        urls = [urljoin(str(answer.url), url) for url in Html(answer.text).urls()]
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert {Path(urlsplit(url).path).suffix for url in urls} == set(TYPES)
        for url in urls:
            named = await client.get(url)
            assert url.startswith(f"https://{HOST}{root}/")
            assert named.status_code == 200, url
            assert named.headers["content-type"] == TYPES[Path(urlsplit(url).path).suffix]
            assert named.content


@pytest.mark.parametrize("page", PAGES)
async def test_a_page_shows_the_description_of_this_api(client: AsyncClient, page: str) -> None:
    html = Html((await client.get(page)).text)
    (url,) = (attributes["data-openapi-url"] for _, attributes in html.tags if "data-openapi-url" in attributes)
    assert url is not None
    assert "/api/v1/parking-spots/search" in (await client.get(url)).json()["paths"]


@pytest.mark.parametrize("page", PAGES)
async def test_a_page_has_a_title_a_language_and_fits_a_phone(client: AsyncClient, page: str) -> None:
    html = Html((await client.get(page)).text)
    assert html.texts["title"] == "ParkingSpots API"
    assert ("html", {"lang": "en"}) in html.tags
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in html.tags


@pytest.mark.parametrize("page", PAGES)
async def test_the_policy_of_a_page_lets_nothing_run_but_files_of_this_host(client: AsyncClient, page: str) -> None:
    answer = await client.get(page)
    policy = policy_of(answer.headers["content-security-policy"])
    assert policy["default-src"] == ["'none'"]
    assert policy["script-src"] == policy["connect-src"] == ["'self'"]
    assert policy["base-uri"] == policy["form-action"] == policy["frame-ancestors"] == ["'none'"]
    sources = {source for each in policy.values() for source in each}
    assert sources <= {"'none'", "'self'", "'unsafe-inline'", "data:", "blob:"}
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("page", PAGES)
async def test_a_page_holds_no_script_or_style_that_its_policy_would_stop(client: AsyncClient, page: str) -> None:
    html = Html((await client.get(page)).text)
    assert all(attributes.get("src") for tag, attributes in html.tags if tag == "script")
    assert "style" not in {tag for tag, _ in html.tags}
    names = {name for _, attributes in html.tags for name in attributes}
    assert not {name for name in names if name.startswith("on") or name == "style"}


async def test_a_browser_keeps_an_asset_for_a_year_and_a_page_only_as_long_as_it_is_current(
    client: AsyncClient,
) -> None:
    page = await client.get("/docs")
    assert page.headers["cache-control"] == "no-cache"
    for url in (url for url in Html(page.text).urls() if "/assets/" in url):
        asset = await client.get(url)
        assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert asset.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("query", ["", "?v=", "?v=0123456789abcdef"])
async def test_what_another_version_is_asked_for_is_not_kept(client: AsyncClient, query: str) -> None:
    url = f"/docs/assets/swagger-init.js{query}"
    asset = await client.get(url)
    assert asset.headers["cache-control"] == "no-cache"
    again = await client.get(url, headers={"If-None-Match": asset.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/renew",
        "/redoc",
        "/redoc/LICENSE",
        "/missing.js",
        "/../docs.py",
        "/..%2fdocs.py",
        "/%2e%2e/docs.py",
    ],
)
async def test_nothing_but_the_assets_is_served(client: AsyncClient, path: str) -> None:
    assert (await client.get(f"/docs/assets{path}")).status_code == 404


def test_the_pages_are_no_operations_of_the_api() -> None:
    assert set(an_api().openapi()["paths"]) == {"/api/v1/parking-spots/search"}


async def test_a_root_path_cannot_break_out_of_the_page() -> None:
    async with a_client('/"><script>') as client:
        assert '"><script>' not in (await client.get("/docs")).text


@pytest.mark.parametrize("file", VENDORED, ids=lambda file: str(file.relative_to(docs.ASSETS)))
def test_a_vendored_file_names_nothing_outside_that_a_browser_would_load(file: Path) -> None:
    content = file.read_bytes()
    assert not re.search(rb"//(cdn|fonts?|static|unpkg)\.[a-z]", content)
    assert not re.search(rb"fonts\.(googleapis|gstatic)|jsdelivr|url\([\"']?(https?:)?//|@import", content)
    assert not re.search(rb"^(//|/\*)# sourceMappingURL=", content, re.MULTILINE)


def test_the_validator_on_another_host_is_switched_off() -> None:
    assert "validatorUrl: null" in (docs.ASSETS / "swagger-init.js").read_text()


def test_third_party_names_every_vendored_file_with_its_digest_and_each_version() -> None:
    text = THIRD_PARTY.read_text()
    listed = re.findall(r"^[0-9a-f]{64}  \S+$", text, re.MULTILINE)
    assert sorted(listed) == sorted(f"{digest(file)}  {file.relative_to(docs.ASSETS)}" for file in VENDORED)
    versions = dict(re.findall(r"^(SWAGGER_UI|REDOC)=(\S+)$", (docs.ASSETS / "renew").read_text(), re.MULTILINE))
    assert f"| swagger-ui-dist | {versions['SWAGGER_UI']} |" in text
    assert f"| redoc | {versions['REDOC']} |" in text
    assert f'Version: "{versions["REDOC"]}"' in (docs.ASSETS / "redoc/redoc.standalone.js.LICENSE.txt").read_text()
    assert versions["SWAGGER_UI"].encode() in (docs.ASSETS / "swagger-ui/swagger-ui-bundle.js").read_bytes()


def digest(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()
