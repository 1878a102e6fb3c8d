"""Walks a headless Chromium through the hosted pages: pages.py FOLDER. Reads QIAO_URL, WECHAT_SIM_URL and QIAO_OPERATOR_TOKEN.

Each page is looked at in two widths and two languages; a picture of each is left in FOLDER. A page that is not the expected one,
is wider than the window, or breaks its own Content-Security-Policy ends the run.
"""

import base64
import hashlib
import hmac
import json
import os
import pathlib
import secrets
import struct
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.ui import WebDriverWait

WIDTHS = {"phone": (390, 844), "desktop": (1280, 900)}
LANGUAGES = ["zh-CN", "en"]
CALLBACK = "https://rp.test/callback"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
# Where a page breaks its policy, it says so here; a script of the browser's tools is not bound by the policy.
LISTENER = """
window.broken = [];
document.addEventListener("securitypolicyviolation", e => window.broken.push(e.violatedDirective + " " + e.blockedURI));
"""


def call(url, body=None, token=None, form=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    data = None
    if body is not None:
        data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
    if form is not None:
        data = urllib.parse.urlencode(form).encode()
    request = urllib.request.Request(url, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{url}: {error.code} {error.read().decode()}")


def totp(secret):
    """RFC 6238 with SHA-1, 30 seconds and six digits."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7FFFFFFF) % 1000000:06}"


class Site:
    """An application with a person, clients and WeChat's website login."""

    def __init__(self):
        self.url, simulator = os.environ["QIAO_URL"], os.environ["WECHAT_SIM_URL"]
        self.key = call(f"{self.url}/v1/tenants", {"slug": "pages", "name": "Pages"}, os.environ["QIAO_OPERATOR_TOKEN"])[
            "api_key"]["key"]
        application = self.post("identity-applications", {
            "slug": "club", "name": "江南茶社 Tea Club", "mfa": "optional",
            "branding": {"primary_color": "#0a6b4f", "background_color": "#f3f7f4"}})["id"]
        self.issuer = f"{self.url}/t/pages/i/club"
        self.password = secrets.token_urlsafe(12)
        self.users = f"identity-applications/{application}/users"
        self.application = application
        common = {"identity_application_id": application, "redirect_uris": [CALLBACK], "scopes": [
            "openid", "profile", "email", "phone", "offline_access"]}
        self.web = self.post("oauth-clients", {
            "name": "茶叶商店 Tea Shop", "type": "spa", "post_logout_redirect_uris": ["https://rp.test/bye"], **common})["id"]
        self.device = self.post("oauth-clients", {
            "name": "电视 Television", "type": "native", "grant_types": [
                "urn:ietf:params:oauth:grant-type:device_code", "refresh_token"], **common})["id"]
        app = call(f"{simulator}/_sim/apps", {"kind": "web", "open_platform_account": "club"})
        self.post("third-party-authz-clients", {
            "identity_application_id": application, "name": "微信 WeChat", "provider": "wechat_web", "app_id": app["appid"],
            "app_secret": app["secret"], "open_platform_account": "club"})

    def post(self, path, body):
        return call(f"{self.url}/t/pages/v1/{path}", body, self.key)

    def person(self):
        name = "tea-" + secrets.token_hex(3)
        self.post(self.users, {
            "username": name, "name": "陈小茶 Chen Xiaocha", "email": f"{name}@host.test", "email_verified": True,
            "password": self.password})
        return name

    def request(self, **more):
        challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
        fields = {
            "client_id": self.web, "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid profile email phone",
            "state": "s", "code_challenge": challenge, "code_challenge_method": "S256", **more}
        return f"{self.issuer}/authorize?{urllib.parse.urlencode(fields)}"

    def user_code(self):
        answer = call(f"{self.issuer}/device_authorization", form={"client_id": self.device, "scope": "openid profile"})
        return answer["user_code"]


class Walk:
    """One browser, new, of one width and language."""

    def __init__(self, site, folder, width, language):
        self.site, self.folder, self.name = site, folder, f"{width}-{language}"
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for argument in [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage",
                f"--lang={language}", "--window-size=%d,%d" % WIDTHS[width]]:
            options.add_argument(argument)
        options.add_experimental_option("prefs", {"intl.accept_languages": language})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.browser = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self.browser.set_page_load_timeout(30)
        self.size = WIDTHS[width]
        self.tools("Emulation.setDeviceMetricsOverride", width=self.size[0], height=self.size[1], deviceScaleFactor=1,
                   mobile=width == "phone")
        self.tools("Page.addScriptToEvaluateOnNewDocument", source=LISTENER)

    def tools(self, command, **parameters):
        return self.browser.execute_cdp_cmd(command, parameters)

    def evaluate(self, expression):
        return self.tools("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def open(self, url):
        self.browser.get(url)

    def fill(self, **fields):
        for name, value in fields.items():
            box = self.browser.find_element(By.NAME, name)
            box.clear()
            box.send_keys(value)

    def press(self, selector):
        before = self.browser.find_element(By.TAG_NAME, "html")
        self.browser.find_element(By.CSS_SELECTOR, selector).click()
        WebDriverWait(self.browser, 20).until(staleness_of(before))

    def look(self, name, page):
        """Takes the picture of what must be the page with this marker."""
        width, height = self.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
        picture = self.tools("Page.captureScreenshot", captureBeyondViewport=True, clip={
            "x": 0, "y": 0, "width": self.size[0], "height": max(height, self.size[1]), "scale": 1})
        (self.folder / f"{name}-{self.name}.png").write_bytes(base64.b64decode(picture["data"]))
        found = self.evaluate('document.querySelector("meta[name=qiao-page]")?.content')
        if found != page:
            raise SystemExit(f"{name} {self.name}: the page is {found}, not {page} ({self.browser.current_url})")
        if width > self.size[0]:
            raise SystemExit(f"{name} {self.name}: {width} pixels wide in a window of {self.size[0]}")
        broken = self.evaluate("window.broken") + [
            line["message"] for line in self.browser.get_log("browser") if line["source"] == "security"]
        if broken:
            raise SystemExit(f"{name} {self.name} breaks its Content-Security-Policy: {broken}")

    def sign_in(self, name, password=None):
        self.fill(username=name, password=password or self.site.password)
        self.press("form:has(#password) button")

    def run(self):
        site, name = self.site, self.site.person()
        self.open(site.request(client_id="00000000-0000-7000-8000-000000000000"))
        self.look("error", "error:invalid_client")
        self.open(site.request())
        self.look("login", "login")
        self.sign_in(name, "not the password")
        self.look("login-failed", "login")
        self.sign_in(name)
        self.look("consent", "consent")
        self.open(f"{site.issuer}/account")
        self.look("account", "account")
        self.open(f"{site.issuer}/device")
        self.look("device", "device")
        self.fill(user_code="WRNG-CODE")
        self.press("form button")
        self.look("device-unknown", "device")
        self.fill(user_code=site.user_code())
        self.press("form button")
        self.look("device-consent", "consent")
        self.press("button[value=allow]")
        self.look("device-done", "device-done")
        self.open(f"{site.issuer}/account")
        self.look("account-device", "account")
        self.press("form:has(input[value=mfa_begin]) button")
        self.look("mfa-enroll", "mfa-enroll")
        secret = self.evaluate('document.querySelector("code")?.textContent ?? ""').replace(" ", "")
        self.fill(code=totp(secret))
        self.press("form button")
        self.look("mfa-codes", "backup-codes")
        self.open(f"{site.issuer}/logout")
        self.look("logout", "logout-confirm")
        self.press("form button")
        self.look("logged-out", "logged-out")
        self.open(site.request())
        self.sign_in(name)
        self.look("mfa", "mfa")
        self.open(site.request(prompt="login"))
        self.press("a[href*='wechat/start']")
        self.press("form button, button, a")
        self.look("newcomer", "login")

    def close(self):
        self.browser.quit()


def main(folder):
    site = Site()
    for width in WIDTHS:
        for language in LANGUAGES:
            walk = Walk(site, pathlib.Path(folder), width, language)
            try:
                walk.run()
            finally:
                walk.close()
            print(f"    {walk.name}: as it should be", file=sys.stderr)


main(sys.argv[1])
