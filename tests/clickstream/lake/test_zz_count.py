from collections import Counter

from tests.clickstream.lake.builders import build_publication, publish_as

from clickstream.core.hours import Hour

HOUR = Hour.parse("2026-11-20T05")


def test_count(lake):
    seen = Counter()

    def note(request, **kw):
        from urllib.parse import urlsplit

        u = urlsplit(request.url)
        target = request.headers.get("X-Amz-Target", b"")
        target = target.decode() if isinstance(target, bytes) else target
        path = u.path.split("/")
        kind = (
            path[2]
            if len(path) > 2
            else "?"
            + ("list" if "list-type" in u.query else "delete" if "delete" in u.query else "")
        )
        seen[f"{request.method} {target or kind}"] += 1

    for client in (lake.s3, lake.glue):
        client.meta.events.register("before-send", note)
    out = {}

    def show(name):
        print(
            name,
            sum(seen.values()),
            sum(v for k, v in seen.items() if not k.endswith("warehouse") and "Glue" not in k),
            dict(sorted(seen.items())),
        )
        seen.clear()

    _, rows = publish_as(lake, "first", build_publication(HOUR, "ana"))
    show("first")
    _, rows = publish_as(lake, "second", build_publication(HOUR, "ana", version=rows[0].version))
    show("same again")
    _, rows = publish_as(lake, "third", build_publication(HOUR, "bob", version=rows[0].version))
    show("changed parts")
    hours = [
        build_publication(HOUR.plus(n), "eva", version=rows[0].version if not n else "")
        for n in range(12)
    ]
    _, rows = publish_as(lake, "fourth", *hours)
    show("12 hours")
    hours = [build_publication(HOUR.plus(n), "eve", version=rows[n].version) for n in range(12)]
    publish_as(lake, "fifth", *hours)
    show("12 hours changed")
