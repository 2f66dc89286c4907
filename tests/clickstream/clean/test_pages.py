"""Page names: one for all spellings of a page, the same when named again, and never an error."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.cases import each_case

from clickstream.clean.pages import PageRules, page_name
from clickstream.core.errors import SettingsError

RULES = PageRules()
IIS = PageRules(fold_case=True)

tricky = st.lists(
    st.sampled_from(
        "/ // . .. % %2 %41 %2f %2F %3B %c3%a9 \\xe9 \\ ; ;jsessionid= ;sid=1 ( (S(a1)) "
        "%28S%28a%29%29 index.html Index.php default.aspx a B é 7 123 2026 11 {id} ? # & = + ~ "
        "12345 .html 0123456789abcdef 3f2504e0-4f89-41d3-9a0c-0305e82c3301".split()
    )
).map("".join)
paths = (tricky | st.text(st.characters(exclude_categories=()))).map("/".__add__)


@each_case(
    "path, name",
    [
        ("/", "/"),
        ("/menu/", "/menu"),
        ("//menu///tea//", "/menu/tea"),
        ("/index.html", "/"),
        ("/blog/Index.PHP", "/blog"),
        ("/shop/default.aspx", "/shop"),
        ("/blog/index.php/index.html", "/blog"),
        ("/index.html/about", "/index.html/about"),
        ("/a/./b/../c", "/a/c"),
        ("/../../etc/passwd", "/etc/passwd"),
        ("/%7euser/%41bc", "/~user/Abc"),
        ("/a%2fb", "/a%2Fb"),
        ("/caf%c3%a9", "/caf%C3%A9"),
        ("/café", "/caf%C3%A9"),
        (r"/caf\xe9", "/caf%E9"),
        ("/50%", "/50%25"),
        ("/a b", "/a%20b"),
        ("/Menu", "/Menu"),
        ("/a;jsessionid=0A1B2C.node1/b", "/a/b"),
        ("/a%3Bjsessionid%3D0A1B2C", "/a"),
        ("/car;color=red", "/car;color=red"),
        ("/(S(lit3py55t21z5v55vlm25s55))/menu.aspx", "/menu.aspx"),
        ("/(lit3py55t21z5v55vlm25s55)/menu.aspx", "/menu.aspx"),
        ("/(A(x1)S(y2))/menu", "/menu"),
        ("/wiki/Tea_(drink)", "/wiki/Tea_(drink)"),
        ("*", "*"),
        ("host.example:443", "host.example:443"),
    ],
)
def test_spellings_of_a_page_have_one_name(path: str, name: str) -> None:
    assert page_name(path, RULES) == name


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/order/123", "/order/{id}"),
        ("/order/123/items/4", "/order/{id}/items/{id}"),
        ("/product/123.html", "/product/{id}.html"),
        ("/cart/3F2504E0-4F89-41D3-9A0C-0305E82C3301", "/cart/{id}"),
        ("/file/d41d8cd98f00b204e9800998ecf8427e.pdf", "/file/{id}.pdf"),
        ("/123456", "/{id}"),
        ("/404", "/404"),
        ("/blog/2026", "/blog/2026"),
        ("/blog/2026/11/24/cake", "/blog/2026/11/24/cake"),
        ("/blog/2026/11/24/5", "/blog/2026/11/24/{id}"),
        ("/blog/2026/11/2417", "/blog/2026/11/{id}"),
        ("/blog/2026/Nov/24/5", "/blog/2026/Nov/24/{id}"),
        ("/blog/20261124/cake", "/blog/20261124/cake"),
        ("/blog/20261324/cake", "/blog/{id}/cake"),
        ("/blog/1492", "/blog/{id}"),
        ("/effacedfacadedeed", "/effacedfacadedeed"),
        ("/deadbeef", "/deadbeef"),
        ("/menu/top-10-teas", "/menu/top-10-teas"),
        ("/v1.2/guide", "/v1.2/guide"),
    ],
)
def test_ids_in_a_path_are_folded_unless_the_settings_keep_them(path: str, name: str) -> None:
    assert page_name(path, RULES) == name
    assert page_name(path, PageRules(fold_ids=False)) == path


def test_case_is_folded_only_when_set() -> None:
    assert page_name("/Menu/Caf%c3%a9/Default.aspx", IIS) == "/menu/caf%C3%A9"
    assert page_name("/%4DENU", IIS) == page_name("/menu", IIS)


def test_index_files_are_compared_without_case() -> None:
    rules = PageRules(index_files=("Home.html",))
    assert page_name("/a/HOME.html", rules) == "/a"
    assert page_name("/a/index.html", rules) == "/a/index.html"


def test_replacements_apply_in_order_before_ids() -> None:
    rules = PageRules(replacements=(("^/orders?/[0-9]+", "/order/{order}"), ("/order/", "/sale/")))
    assert page_name("/orders/17/items/3", rules) == "/sale/{order}/items/{id}"
    groups = PageRules(replacements=((r"^/(\w+)-\d+$", r"/\1-{number}"),))
    assert page_name("/tea-77", groups) == "/tea-{number}"


@pytest.mark.parametrize("pair", [("(", ""), ("a", r"\9"), ("a", r"\g<x>")])
def test_a_replacement_that_is_none_is_refused_by_number(pair: tuple[str, str]) -> None:
    with pytest.raises(SettingsError, match="Page replacement 2"):
        PageRules(replacements=(("a", "b"), pair))


@given(paths, st.sampled_from([RULES, IIS, PageRules(fold_ids=False)]))
@example("/%%341", RULES)
@example("/;jsession;jsessionid=1id=2", RULES)
@example(r"/\%78e9", RULES)
def test_naming_a_name_changes_nothing(path: str, rules: PageRules) -> None:
    name = page_name(path, rules)
    assert page_name(name, rules) == name
    assert name.startswith("/")
    assert name == "/" or not name.endswith("/")
    assert name.isascii()


@given(st.text(st.characters(exclude_categories=())))
def test_no_text_makes_it_fail(text: str) -> None:
    assert isinstance(page_name(text, RULES), str)


plain_segments = st.lists(st.text("abcxyz-_~.", min_size=1).filter(lambda s: set(s) != {"."}))


@given(plain_segments, st.data())
def test_equivalent_spellings_have_one_name(segments: list[str], data: st.DataObject) -> None:
    """Escaping, doubled slashes, dots, an index file and a session id tell no pages apart."""
    name = page_name("/" + "/".join(segments), RULES)
    spelled = ""
    for segment in segments:
        spelled += data.draw(st.sampled_from(["/", "//", "/./", "/x/../"]))
        spelled += "".join(data.draw(st.sampled_from([c, f"%{ord(c):02x}"])) for c in segment)
    spelled += data.draw(st.sampled_from(["", "/", "/index.html", ";jsessionid=A1", "/(S(b2))/"]))
    assert page_name(spelled if spelled.startswith("/") else "/" + spelled, RULES) == name
