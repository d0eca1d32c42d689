"""A minimal server on the Python SDK 1.x: `server.py stdio`, `server.py http PORT` or `server.py sse PORT`."""

import sys

from mcp.server.fastmcp import FastMCP

transport = sys.argv[1]
port = int(sys.argv[2]) if transport != "stdio" else 8000
mcp = FastMCP("interop-python-v1", host="127.0.0.1", port=port)


@mcp.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@mcp.tool()
def echo(text: str) -> str:
    """Give the text back."""
    return text


@mcp.resource("config://app", mime_type="application/json")
def config() -> str:
    """The settings of this server."""
    return '{"theme": "dark"}'


@mcp.resource("greeting://{name}")
def greeting(name: str) -> str:
    """A greeting for one person."""
    return f"Hello, {name}!"


@mcp.prompt()
def summarize(topic: str) -> str:
    """Ask for a summary."""
    return f"Summarize what you know about {topic}."


if __name__ == "__main__":
    mcp.run("streamable-http" if transport == "http" else transport)
