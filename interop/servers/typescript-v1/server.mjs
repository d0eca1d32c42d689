// A minimal server on the TypeScript SDK 1.x: `server.mjs stdio` or `server.mjs http PORT`.
import { randomUUID } from 'node:crypto';
import { createMcpExpressApp } from '@modelcontextprotocol/sdk/server/express.js';
import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { isInitializeRequest } from '@modelcontextprotocol/sdk/types.js';
import * as z from 'zod';

function createServer() {
  const server = new McpServer({ name: 'interop-typescript-v1', version: '1.0.0' });

  server.registerTool(
    'add',
    {
      description: 'Add two numbers.',
      inputSchema: { a: z.number(), b: z.number() },
      outputSchema: { sum: z.number() }
    },
    async ({ a, b }) => {
      const output = { sum: a + b };
      return { content: [{ type: 'text', text: JSON.stringify(output) }], structuredContent: output };
    }
  );

  server.registerTool(
    'echo',
    { description: 'Give the text back.', inputSchema: { text: z.string() } },
    async ({ text }) => ({ content: [{ type: 'text', text }] })
  );

  server.registerResource(
    'config',
    'config://app',
    { description: 'The settings of this server.', mimeType: 'application/json' },
    async uri => ({ contents: [{ uri: uri.href, mimeType: 'application/json', text: '{"theme": "dark"}' }] })
  );

  server.registerResource(
    'greeting',
    new ResourceTemplate('greeting://{name}', { list: undefined }),
    { description: 'A greeting for one person.' },
    async (uri, { name }) => ({ contents: [{ uri: uri.href, text: `Hello, ${name}!` }] })
  );

  server.registerPrompt(
    'summarize',
    { description: 'Ask for a summary.', argsSchema: { topic: z.string() } },
    ({ topic }) => ({
      messages: [{ role: 'user', content: { type: 'text', text: `Summarize what you know about ${topic}.` } }]
    })
  );

  return server;
}

// One server and one transport a session, as the SDK's stateful example does it.
function serveHttp(port) {
  const sessions = new Map();
  const refuse = (res, status, code, message) =>
    res.status(status).json({ jsonrpc: '2.0', error: { code, message }, id: null });

  async function openSession() {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: id => sessions.set(id, transport)
    });
    transport.onclose = () => sessions.delete(transport.sessionId);
    await createServer().connect(transport);
    return transport;
  }

  const app = createMcpExpressApp();
  app.all('/mcp', async (req, res) => {
    const id = req.headers['mcp-session-id'];
    let transport = sessions.get(id);
    if (!transport && id) return refuse(res, 404, -32001, 'Session not found');
    if (!transport && !isInitializeRequest(req.body)) return refuse(res, 400, -32000, 'No session');
    transport ??= await openSession();
    await transport.handleRequest(req, res, req.body);
  });
  app.listen(port, '127.0.0.1');
}

const [transport, port] = process.argv.slice(2);
if (transport === 'stdio') {
  await createServer().connect(new StdioServerTransport());
} else {
  serveHttp(Number(port));
}
