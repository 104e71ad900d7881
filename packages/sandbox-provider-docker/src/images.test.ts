import type { SandboxConfig } from '@ergon/sandbox-core';
import { ImageList, imageFor } from './images.js';

test.each<[Partial<SandboxConfig>, Record<string, string>, string]>([
  [{}, {}, 'debian:stable-slim'],
  [{ language: 'python' }, {}, 'python:3-slim'],
  [{ language: 'node' }, {}, 'node:22-slim'],
  [{ language: 'shell' }, {}, 'debian:stable-slim'],
  [{}, { default: 'alpine' }, 'alpine'],
  [{ language: 'python' }, { python: 'pypy:3', default: 'alpine' }, 'pypy:3'],
  [{ language: 'python', image: 'mine' }, { python: 'pypy:3' }, 'mine'],
])('%j with images %j runs in %s', (asked, images, image) => {
  expect(imageFor(asked as SandboxConfig, images)).toBe(image);
});

const digest = `sha256:${'a'.repeat(64)}`;
const list = new ImageList([
  { id: `sha256:${'1234'.repeat(16)}`, names: ['python:3-slim', `python@${digest}`] },
  { id: `sha256:${'5678'.repeat(16)}`, names: ['registry.example:5000/team/image:latest', '<none>:<none>'] },
]);

test.each([
  ['python:3-slim', true],
  ['docker.io/library/python:3-slim', true],
  ['library/python:3-slim', true],
  [`python@${digest}`, true],
  [`python:3-slim@${digest}`, true],
  ['registry.example:5000/team/image', true],
  ['1234'.repeat(16), true],
  [`sha256:${'5678'.repeat(16)}`, true],
  ['123412341234', true],
  ['python', false],
  ['python:3', false],
  ['team/image', false],
  [`python@sha256:${'b'.repeat(64)}`, false],
  ['abcdef123456', false],
])('%s: %s', (reference, has) => {
  expect(list.has(reference)).toBe(has);
});
