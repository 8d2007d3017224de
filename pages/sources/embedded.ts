/** The report that stands in the page itself. */
import type { ReportIndex } from '../../explain/report/format/model.js';
import type { SectionSource } from '../data/report-data.js';

/** The index that the page holds; undefined: it holds none, and asks for it where it was served. */
export function embeddedIndex(): ReportIndex | undefined {
  const text = document.getElementById('index')?.textContent;
  return text ? (JSON.parse(text) as ReportIndex) : undefined;
}

export const EMBEDDED: SectionSource = {
  async load(name) {
    const text = document.getElementById(name)?.textContent;
    if (text === null || text === undefined) throw new Error(`the file has no section ${name}`);
    return fromBase64(text);
  },
};

function fromBase64(text: string): Uint8Array {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
