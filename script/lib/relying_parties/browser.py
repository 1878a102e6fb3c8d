"""A browser without JavaScript: cookies, redirects one by one, forms as a person fills them in."""

import html.parser
import urllib.parse

import requests


class Unexpected(Exception):
    """The other side did something else than it should; the message says what was seen."""


class _Parser(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.marker, self.forms = "", []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "meta" and attributes.get("name") == "qiao-page":
            self.marker = attributes.get("content", "")
        elif tag == "form":
            self.forms.append({"action": attributes.get("action", ""), "fields": {}})
        elif tag == "input" and self.forms and attributes.get("type") == "hidden":
            self.forms[-1]["fields"][attributes["name"]] = attributes.get("value", "")


class Page:
    """Where redirects ended."""

    def __init__(self, response, seen):
        self.url, self.status, self.headers, self.text = response.url, response.status_code, response.headers, response.text
        # Addresses on the way, without their queries: those carry codes and tokens.
        self.seen = seen
        parser = _Parser()
        if response.headers.get("content-type", "").startswith("text/html"):
            parser.feed(response.text)
        self.marker, self.forms = parser.marker, parser.forms

    def __str__(self):
        return f"{self.status} {self.url.split('?')[0]} (page {self.marker or 'not ours'}, by way of {self.seen})\n{self.text[:600]}"

    def expect(self, fits, what):
        """Stops with what was seen unless `fits`."""
        if not fits:
            raise Unexpected(f"{what}: {self}")
        return self


class Browser:
    def __init__(self, username, password):
        self.username, self.password = username, password
        self.session = requests.Session()
        # Nobody's proxy: everything here is on loopback.
        self.session.trust_env = False

    def open(self, url):
        return self._follow("GET", url, None)

    def submit(self, page, **fields):
        """Sends the page's first form with its hidden fields and what a person adds."""
        page.expect(page.forms, "there is no form")
        form = page.forms[0]
        return self._follow("POST", urllib.parse.urljoin(page.url, form["action"]), {**form["fields"], **fields})

    def sign_in(self, url, asked=True):
        """Opens `url` and answers what the provider asks on the way back; `asked` says whether it has to ask for the password."""
        page, was_asked = self.open(url), False
        while page.marker in ("login", "consent"):
            if page.marker == "login":
                page.expect(not was_asked, "it asks for the password a second time")
                was_asked = True
                page = self.submit(page, username=self.username, password=self.password)
            else:
                page = self.submit(page, decision="allow")
        return page.expect(was_asked == asked, f"asked for the password: {was_asked}, expected: {asked}")

    def _follow(self, method, url, fields):
        seen = []
        for _ in range(20):
            response = self.session.request(method, url, data=fields, allow_redirects=False, timeout=10)
            if response.status_code not in (301, 302, 303, 307, 308):
                return Page(response, seen)
            seen.append(url.split("?")[0])
            url = urllib.parse.urljoin(url, response.headers["location"])
            if response.status_code < 307:
                method, fields = "GET", None
        raise Unexpected(f"redirects without end: {seen}")
