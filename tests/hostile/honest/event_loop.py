# ruff: noqa
import asyncio


async def main():
    await asyncio.sleep(0.01)
    process = await asyncio.create_subprocess_exec("/bin/echo", "hello", stdout=asyncio.subprocess.PIPE)
    print((await process.communicate())[0].decode().strip())


asyncio.run(main())
# prints: hello
