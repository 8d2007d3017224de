/** An expectation without some of its claims and names. The others stay as they are written, with their comments. */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/**
 * TEXT, which `readExpectation` reads, with the claims and names that stay.
 * @param keepsClaim whether the claim with this index, from 0, stays
 */
export function keepClaims(
  text: string,
  keepsClaim: (index: number) => boolean,
  keepsName: (name: string) => boolean,
): string {
  // Loaded only here: most commands do not need it.
  const { parseDocument, isMap, isSeq }: typeof import('yaml') = require('yaml');
  const document = parseDocument(text, { version: '1.2' });
  const claims = document.get('expect');
  if (isSeq(claims)) claims.items = claims.items.filter((_, i) => keepsClaim(i));
  const names = document.get('names');
  if (isMap(names)) {
    names.items = names.items.filter(({ key }) => keepsName(String(key)));
    if (names.items.length === 0) document.delete('names');
  }
  return document.toString({ lineWidth: 0 });
}
