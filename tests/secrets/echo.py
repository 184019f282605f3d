"""A simulated service that gives back what it was told, in every form: the worst that a careless or
hostile one can do with a login. Prints its port; ends with its parent's pipe."""
import base64
import http.server
import json
import os
import sys
import threading
import urllib.parse


class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode("utf-8", "replace")
        login = self.headers.get("Authorization") or self.headers.get("X-Api-Key") or ""
        token = login.split(" ", 1)[-1]
        forms = {
            "raw": token,
            "login": login,
            "hex": token.encode().hex(),
            "HEX": token.encode().hex().upper(),
            "percent": urllib.parse.quote(token, safe=""),
            "percent_all": "".join("%%%02X" % b for b in token.encode()),
        }
        for offset in range(3):
            data = b"x" * offset + token.encode() + b"yz"
            forms["base64_%d" % offset] = base64.b64encode(data).decode()
            forms["base64url_%d" % offset] = base64.urlsafe_b64encode(data).decode()
        text = json.dumps({"got": bool(token), "said": body, **forms})
        text += "".join("\\u%04x" % b for b in token.encode())
        data = text.encode()
        self.send_response(int(self.headers.get("X-Status") or 200))
        self.send_header("Content-Type", "text/plain")
        self.send_header("X-Echo", login)
        self.send_header("X-Echo-Base64", base64.b64encode(login.encode()).decode())
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = answer


def until_parent_ends():
    sys.stdin.buffer.read()
    os._exit(0)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
print(server.server_port, flush=True)
threading.Thread(target=until_parent_ends, daemon=True).start()
server.serve_forever()
