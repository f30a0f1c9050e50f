"""A real SMTP server for one test: `smtp_server.py DIRECTORY [PORT]`.

It says which port it took and keeps each mail as a file in DIRECTORY. While DIRECTORY holds a file called `refuse`, it
answers each mail with that file's text instead, such as "451 4.3.0 come back later"; `refuse-to` does the same for
recipients, by lines such as "ab1@example.edu 550 5.1.1 no such mailbox". A file called `plan` has a word a line, each for
the next mail that comes:

  take            it is taken
  wait-N          it is taken after N milliseconds
  rcpt CODE TEXT  its recipient is refused
  data CODE TEXT  it is refused after it was sent
  hang-up         it is taken, and the connection is closed before the answer
  close           the connection is closed when its recipient is named

With `pace` it takes that many milliseconds for each mail. `log` gets a line for each mail, a word and its Message-ID.
"""

import asyncio
import email
import sys
import time
from pathlib import Path

from aiosmtpd.smtp import SMTP


class Keeper:
    def __init__(self, directory):
        self.directory = directory
        plan = directory / "plan"
        done = directory / "plan-done"  # a server that is started again goes on where the one before was
        self.at = len(done.read_text().splitlines()) if done.exists() else 0
        self.plan = plan.read_text().splitlines() if plan.exists() else []
        pace = directory / "pace"
        self.pace = float(pace.read_text()) / 1000 if pace.exists() else 0

    def next(self):
        if self.at >= len(self.plan):
            return "take"
        word = self.plan[self.at]
        self.at += 1
        with (self.directory / "plan-done").open("a") as done:
            print(word, file=done)
        return word

    async def handle_RCPT(self, server, session, envelope, address, options):
        for line in self.lines("refuse-to"):
            if line.startswith(address + " "):
                return line.split(" ", 1)[1]
        session.step = self.next()
        if session.step.startswith("rcpt "):
            return session.step.split(" ", 1)[1]
        if session.step == "close":
            server.transport.abort()
            return "421 gone"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        for line in self.lines("refuse"):
            return line
        if session.step.startswith("data "):
            return session.step.split(" ", 1)[1]
        if session.step.startswith("wait-"):
            await asyncio.sleep(int(session.step[5:]) / 1000)
        if self.pace:
            await asyncio.sleep(self.pace)
        self.keep(envelope.content, session.step)
        if session.step == "hang-up":
            server.transport.abort()
        return "250 2.0.0 kept"

    def lines(self, name):
        file = self.directory / name
        return file.read_text().splitlines() if file.exists() else []

    def keep(self, content, step):
        with (self.directory / "log").open("a") as log:
            print(step, email.message_from_bytes(content)["Message-ID"], time.time(), file=log)
        if self.pace:
            return
        mail = self.directory / f"{time.time_ns():020}.part"
        mail.write_bytes(content)
        mail.rename(mail.with_suffix(".eml"))  # whole, or not there


async def main(directory, port):
    loop = asyncio.get_running_loop()
    keeper = Keeper(directory)
    server = await loop.create_server(lambda: SMTP(keeper), "127.0.0.1", port)
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
