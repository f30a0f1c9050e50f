"""A real SMTP server for one test: `smtp_server.py DIRECTORY`.

It says which port it took and keeps each mail as a file in DIRECTORY. While DIRECTORY holds a file called `refuse`, it
answers with that file's text instead, such as "451 4.3.0 come back later".
"""

import asyncio
import itertools
import sys
from pathlib import Path

from aiosmtpd.smtp import SMTP


class Keeper:
    def __init__(self, directory):
        self.directory = directory
        self.numbers = itertools.count(1)

    async def handle_DATA(self, server, session, envelope):
        refusal = self.directory / "refuse"
        if refusal.exists():
            return refusal.read_text().strip()
        mail = self.directory / f"{next(self.numbers):04}.part"
        mail.write_bytes(envelope.content)
        mail.rename(mail.with_suffix(".eml"))  # whole, or not there
        return "250 2.0.0 kept"


async def main(directory):
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Keeper(directory)), "127.0.0.1", 0)
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
