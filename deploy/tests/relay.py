#!/usr/bin/env python3
"""Relays TCP from an address that containers reach to a server on loopback. usage: relay.py HOST:PORT HOST:PORT"""
import asyncio
import sys


async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def main():
    (host, port), (to_host, to_port) = (argument.rsplit(":", 1) for argument in sys.argv[1:3])

    async def relay(reader, writer):
        try:
            inner_reader, inner_writer = await asyncio.open_connection(to_host, int(to_port))
        except OSError:
            writer.close()
            return
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))

    server = await asyncio.start_server(relay, host, int(port))
    print("ready", flush=True)
    await server.serve_forever()


asyncio.run(main())
