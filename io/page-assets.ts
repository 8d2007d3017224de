/** The script and the styles of a report's page, as the build has bundled them. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** Each with its SHA-256 in base64, as a Content-Security-Policy wants it. */
export interface PageAssetFiles {
  readonly script: string;
  readonly scriptHash: string;
  readonly style: string;
  readonly styleHash: string;
}

/**
 * Reads dist/pages, beside the folder of this module and of the bundled command. NAME: `bench` shows what bench has
 * measured, `report` all else.
 */
export function readPageAssets(name: 'report' | 'bench' = 'report'): PageAssetFiles {
  const script = readFileSync(new URL(`../pages/${name}.js`, import.meta.url), 'utf8');
  const style = readFileSync(new URL(`../pages/${name}.css`, import.meta.url), 'utf8');
  return { script, scriptHash: hashOf(script), style, styleHash: hashOf(style) };
}

function hashOf(text: string): string {
  const { createHash }: typeof import('node:crypto') = require('node:crypto');
  return createHash('sha256').update(text).digest('base64');
}
