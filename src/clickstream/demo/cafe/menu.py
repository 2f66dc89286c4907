"""The café's website: its products, its pages, and the static files that each page loads."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote


class Product(NamedTuple):
    """A product on the menu."""

    name: str
    price_cents: int
    group: str
    image: str

    @property
    def slug(self) -> str:
        """The name in the product's address."""
        return self.name.lower().replace(" ", "-")


PRODUCTS = (
    Product("Croissant", 150, "Pastries", "Croissants.png"),
    Product("Donut", 100, "Pastries", "Donuts.png"),
    Product("Chocolate Chip Cookie", 250, "Pastries", "Chocolate-Chip-Cookies.png"),
    Product("Muffin", 300, "Pastries", "Muffins.png"),
    Product("Strawberry Blueberry Tart", 350, "Pastries", "Strawberry-&-Blueberry-Tarts.png"),
    Product("Strawberry Tart", 350, "Pastries", "Strawberry-Tarts.png"),
    Product("Coffee", 300, "Drinks", "Coffee.png"),
    Product("Hot Chocolate", 300, "Drinks", "Cup-of-Hot-Chocolate.png"),
    Product("Latte", 350, "Drinks", "Latte.png"),
)


class MenuPage(NamedTuple):
    """A page. `step` is its step in a visit. A static page can be answered with 304."""

    step: str
    path: str
    size: int
    images: tuple[str, ...] = ()
    query: str = ""
    is_static: bool = False


LAYOUT = {
    "/cafe/css/styles.css": 8_214,
    "/cafe/css/menu.css": 2_377,
    "/cafe/js/cafe.js": 31_902,
    "/cafe/fonts/lora-regular.woff2": 24_416,
    "/cafe/images/logo.svg": 3_180,
    "/favicon.ico": 1_150,
}
"""The static files of every page, with their sizes in bytes."""

IMAGES = {f"/cafe/images/{p.image}": 28_000 + 1_733 * n for n, p in enumerate(PRODUCTS)} | {
    "/cafe/images/Cake-Vitrine.jpg": 88_312,
    "/cafe/images/Frank-Martha.jpg": 64_007,
    "/cafe/images/map.webp": 41_870,
    "/cafe/images/latte-art.avif": 19_455,
}

HOME = MenuPage("home", "/", 9_120, ("/cafe/images/Cake-Vitrine.jpg", "/cafe/images/Coffee.png"))
MENU = MenuPage(
    "menu", "/cafe/menu.php", 14_680, tuple(f"/cafe/images/{p.image}" for p in PRODUCTS)
)
ORDER = MenuPage("order", "/cafe/order.php", 6_904)
ABOUT = MenuPage("about", "/cafe/about.php", 7_455, ("/cafe/images/Frank-Martha.jpg",))
LOCATIONS = MenuPage("locations", "/cafe/locations.php", 8_230, ("/cafe/images/map.webp",))
BLOG = MenuPage("blog", "/blog/", 11_340, ("/cafe/images/latte-art.avif",), is_static=True)

PRODUCT_PAGES = tuple(
    MenuPage(
        "product", f"/cafe/menu/{p.slug}", 5_200 + 41 * len(p.name), (f"/cafe/images/{p.image}",)
    )
    for p in PRODUCTS
)
GALLERY_PAGES = tuple(
    MenuPage("gallery", "/cafe/gallery.php", 4_100, query=f"photo={quote(p.image)}")
    for p in PRODUCTS
)
"""Pages whose query, not path, ends with the name of a picture."""

POSTS = tuple(
    MenuPage("post", f"/blog/{name}.html", size, ("/cafe/images/latte-art.avif",), is_static=True)
    for name, size in (
        ("latte-art-at-home", 16_220),
        ("how-we-choose-our-beans", 21_704),
        ("the-story-of-our-strawberry-tart", 18_391),
        ("caf%C3%A9-culture", 13_048),
    )
)
MISSING = tuple(
    MenuPage("missing", path, 1_245)
    for path in ("/cafe/specials.php", "/cafe/menu.html", "/blog/pumpkin-week.html", "/jobs")
)
"""Former pages to which links still exist; the size is that of the 404 page."""

SHORT_LINKS = {"/menu": MENU, "/cafe": HOME, "/where": LOCATIONS}
"""Short addresses on cups and posters, which the server redirects."""

PAGES = {page.step: (page,) for page in (HOME, MENU, ORDER, ABOUT, LOCATIONS, BLOG)} | {
    "product": PRODUCT_PAGES,
    "gallery": GALLERY_PAGES,
    "post": POSTS,
    "missing": MISSING,
}
"""The pages of each step of a visit."""
