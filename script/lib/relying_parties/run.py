"""Signs in to relying parties that none of us wrote, reads claims, refreshes and signs out: run.py FOLDER.

The relying parties know the issuer's address and their own id and secret; everything else they find by discovery.
"""

import json
import os
import pathlib
import sys
import time
import urllib.parse

from browser import Browser, Unexpected

# Authlib refuses plain http unless it is told that this is a test.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
os.environ["NO_PROXY"] = "127.0.0.1"


class Run:
    def __init__(self, folder):
        from authlib_site import Site

        self.known = json.loads((folder / "parties.json").read_text())
        self.site = Site(int(os.environ["AUTHLIB_PORT"]), self.known["issuer"], self.known["authlib"])
        self.protected = f"{self.known['apache']}/protected/hello.txt"
        self.callback = f"{self.known['apache']}/protected/callback"
        self.browser = Browser("buffy", self.known["password"])

    def step(self, what):
        print(f"    {what}", file=sys.stderr)

    # mod_auth_openidc

    def apache_signs_in(self, asked):
        page = self.browser.sign_in(self.protected, asked)
        page.expect(page.status == 200 and page.url == self.protected, "Apache does not show the protected page")
        found = (page.headers.get("x-sub"), page.headers.get("x-name", "").encode("latin-1").decode(), page.headers.get("x-email"))
        page.expect(found == (self.known["user"], self.known["name"], "buffy@host.test"), f"Apache knows {found}")
        self.step(f"mod_auth_openidc signed in{'' if asked else ' without a question'} and knows sub, name and email")
        return page.headers["x-access-token"]

    def apache_refreshes(self, token):
        query = urllib.parse.urlencode({"refresh": self.protected, "access_token": token})
        page = self.browser.open(f"{self.callback}?{query}")
        renewed = page.headers.get("x-access-token")
        page.expect(page.url == self.protected and renewed not in (None, token), "Apache got no other access token")
        self.step("mod_auth_openidc refreshed its access token")

    def apache_signs_out(self):
        goodbye = f"{self.known['apache']}/bye.txt"
        page = self.browser.open(f"{self.callback}?{urllib.parse.urlencode({'logout': goodbye})}")
        page.expect(page.status == 200 and page.url == goodbye, "Apache's sign-out does not end where it should")
        page.expect(any(address.endswith("/site/logout") for address in page.seen), "the provider was not visited")
        self.apache_is_out("mod_auth_openidc signed out at the provider and came back")

    def apache_is_out(self, what):
        deadline = time.monotonic() + 10
        while (page := self.browser.open(self.protected)).marker != "login":
            page.expect(time.monotonic() < deadline, "Apache still knows the person, or shows something else")
            time.sleep(0.1)
        self.step(what)

    # Authlib

    def authlib_signs_in(self, name, asked):
        page = self.browser.sign_in(f"{self.site.url}/{name}/login", asked)
        page.expect(page.status == 200, "Authlib did not accept the answer")
        seen = json.loads(page.text)
        page.expect(seen["userinfo"]["sub"] == seen["id_token"]["sub"] == self.known["user"], "another sub")
        page.expect(seen["userinfo"]["name"] == self.known["name"], "another name")
        page.expect(seen["userinfo"]["email"] == "buffy@host.test", "another email")
        page.expect(seen["id_token"]["aud"] in (self.known["authlib"][name]["id"], [self.known["authlib"][name]["id"]]), "another aud")
        self.step(f"Authlib ({name}) signed in{'' if asked else ' without a password'} and knows sub, name and email")
        return seen["id_token"]["sid"]

    def authlib_refreshes(self, name):
        before = self.site.tokens[name]
        after = self.site.refresh(name)
        if after["access_token"] == before["access_token"] or after["refresh_token"] == before["refresh_token"]:
            raise Unexpected(f"Authlib ({name}) got the same tokens again")
        if (answer := self.site.userinfo(name)).status_code != 200:
            raise Unexpected(f"userinfo after the refresh: {answer.status_code} {answer.text}")
        self.step(f"Authlib ({name}) refreshed, and the new access token works")

    def authlib_signs_out(self, name):
        goodbye = f"{self.site.url}/bye"
        query = urllib.parse.urlencode({
            "id_token_hint": self.site.tokens[name]["id_token"], "post_logout_redirect_uri": goodbye, "state": "as sent"})
        page = self.browser.open(f"{self.site.metadata()['end_session_endpoint']}?{query}")
        page.expect(page.url == f"{goodbye}?state=as%20sent", "the sign-out does not end where it should")
        self.step(f"Authlib ({name}) signed out at the provider and came back with its state")

    def authlib_is_told(self, name, session):
        if not self.site.wait_for_end(name, session):
            raise Unexpected(f"Authlib ({name}) was not told that its session is over; it was told of {self.site.ended}")
        self.step(f"Authlib ({name}) was told by back-channel logout, with a token that verifies")

    def authlib_is_out(self, name):
        if (answer := self.site.userinfo(name)).status_code != 401:
            raise Unexpected(f"userinfo after the end: {answer.status_code} {answer.text}")
        try:
            self.site.refresh(name)
        except Exception as error:  # Authlib has many kinds; what counts is the server's word.
            if "invalid_grant" not in str(error):
                raise
        else:
            raise Unexpected(f"Authlib ({name}) could refresh after the end")
        self.step(f"Authlib ({name}): access and refresh token are worth nothing any more")

    def all(self):
        # Apache first, the others by single sign-on; Apache ends it, the others are told.
        token = self.apache_signs_in(asked=True)
        self.apache_refreshes(token)
        sessions = {name: self.authlib_signs_in(name, asked=False) for name in ("web", "spa")}
        for name in sessions:
            self.authlib_refreshes(name)
        self.apache_signs_out()
        for name, session in sessions.items():
            self.authlib_is_told(name, session)
            self.authlib_is_out(name)
        # The other way round.
        session = self.authlib_signs_in("spa", asked=True)
        self.authlib_signs_in("web", asked=False)
        self.apache_signs_in(asked=False)
        self.authlib_signs_out("web")
        self.authlib_is_told("spa", session)
        self.apache_is_out("mod_auth_openidc was told by back-channel logout")


if __name__ == "__main__":
    try:
        Run(pathlib.Path(sys.argv[1])).all()
    except Unexpected as fault:
        sys.exit(f"relying parties: {fault}")
