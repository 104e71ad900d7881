import { mkdtempSync, mkdirSync, writeFileSync, rmSync, chmodSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { silentLogger } from '@ergon/sandbox-core';
import type { ExecuteOptions, ExecutionEnd, SandboxConfig, SandboxLimits } from '@ergon/sandbox-core';
import { SandboxExecProvider } from '../../src/provider.js';
