// Usage, after `npm run build`: node tools/api-record.mjs [--update] [FOLDER OF A PACKAGE]...
// Compares the public API of packages (all published ones), as their built declarations have it, with their record NAME.api.md. A difference is
// printed and fails; --update makes the record what the build is.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ConsoleMessageId, Extractor, ExtractorConfig } from '@microsoft/api-extractor';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { update: { type: 'boolean', default: false } },
});
const packages = resolve(import.meta.dirname, '../packages');

function published() {
  return readdirSync(packages)
    .map((name) => join(packages, name))
    .filter((folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).private !== true);
}

function configuration(folder) {
  return ExtractorConfig.prepare({
    packageJsonFullPath: join(folder, 'package.json'),
    configObjectFullPath: join(folder, 'api-extractor.json'), // paths below are relative to it; there is no such file
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: join(folder, 'dist/index.d.ts'),
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            module: 'nodenext',
            target: 'es2022',
            lib: ['es2023', 'esnext.disposable'],
            types: ['node'],
            strict: true,
            skipLibCheck: true,
          },
          files: ['dist/index.d.ts'],
        },
      },
      apiReport: {
        enabled: true,
        reportFolder: folder,
        reportTempFolder: join(folder, 'out-tsc/api'),
        // What an exported type is made of is part of it.
        includeForgottenExports: true,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
      messages: {
        compilerMessageReporting: { default: { logLevel: 'error' } },
        extractorMessageReporting: { default: { logLevel: 'none' } },
        tsdocMessageReporting: { default: { logLevel: 'none' } },
      },
    },
  });
}

let failed = false;
for (const folder of positionals.length > 0 ? positionals.map((path) => resolve(path)) : published()) {
  const { succeeded } = Extractor.invoke(configuration(folder), {
    localBuild: values.update,
    printApiReportDiff: true,
    messageCallback(message) {
      if (message.logLevel === 'error' || message.messageId === ConsoleMessageId.ApiReportDiff)
        console.log(message.text);
      else if (message.messageId === ConsoleMessageId.ApiReportNotCopied)
        console.log(`The public API of ${folder} is not the one on record.`);
      message.handled = true;
    },
  });
  failed ||= !succeeded;
}
if (failed) {
  console.log('If the change is meant: npm run build && node tools/api-record.mjs --update, and commit the records.');
  process.exitCode = 1;
}
