// A minimal server on the TypeScript SDK 2.x: `server.mjs stdio` or `server.mjs http PORT`.
import { createMcpExpressApp } from '@modelcontextprotocol/express';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer, ResourceTemplate } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import * as z from 'zod';

function createServer() {
  const server = new McpServer({ name: 'interop-typescript-v2', version: '1.0.0' });

  server.registerTool(
    'add',
    {
      description: 'Add two numbers.',
      inputSchema: z.object({ a: z.number(), b: z.number() }),
      outputSchema: z.object({ sum: z.number() })
    },
    async ({ a, b }) => {
      const output = { sum: a + b };
      return { content: [{ type: 'text', text: JSON.stringify(output) }], structuredContent: output };
    }
  );

  server.registerTool(
    'echo',
    { description: 'Give the text back.', inputSchema: z.object({ text: z.string() }) },
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
    { description: 'Ask for a summary.', argsSchema: z.object({ topic: z.string() }) },
    ({ topic }) => ({
      messages: [{ role: 'user', content: { type: 'text', text: `Summarize what you know about ${topic}.` } }]
    })
  );

  return server;
}

const [transport, port] = process.argv.slice(2);
if (transport === 'stdio') {
  serveStdio(createServer);
} else {
  const app = createMcpExpressApp();
  const handle = toNodeHandler(createMcpHandler(createServer));
  app.all('/mcp', (req, res) => handle(req, res, req.body));
  app.listen(Number(port), '127.0.0.1');
}
