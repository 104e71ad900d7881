import { BareSandbox } from './bare.js';
import { TestServer } from './server.js';

/** Runs a script in a sandbox that gets what this process inherited, and in one of the product. */
async function main(script: string): Promise<void> {
  const bare = new BareSandbox();
  const plain = await bare.sh(script);
  bare.remove();
  process.stdout.write(`${JSON.stringify({ type: 'plain', text: plain.stdout })}\n`);
  await using server = new TestServer();
  const product = await server.run(['sh', '-c', script]);
  process.stdout.write(`${JSON.stringify({ type: 'product', text: product.stdout })}\n`);
}

void main(JSON.parse(process.argv[2] ?? '""') as string);
