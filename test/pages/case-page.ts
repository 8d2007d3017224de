/** Pages of reports of golden cases. */
import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Report } from '../../explain/report/format/report.js';
import { makeReport } from '../../explain/report/make-report.js';
import { pageHtml } from '../../explain/report/page.js';
import { readPageAssets } from '../../io/page-assets.js';
import { casesIn, optionsOf } from '../../replay/golden-case.js';

/** The report of the case in FOLDER, whose results go to OUT_DIR. */
export function caseReport(folder: string, outDir: string): Report {
  const [golden] = casesIn(folder);
  const name = basename(folder);
  return makeReport(name, [{ name, options: { ...optionsOf(golden), outDir } }]);
}

export function writePage(report: Report, path: string): void {
  writeFileSync(path, pageHtml(report, readPageAssets()));
}
