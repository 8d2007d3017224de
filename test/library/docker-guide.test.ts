/**
 * docs/docker-firewall.md: each command of the guide, run in a folder with the guide's files, prints what it shows.
 *
 * That engines do the same was seen on real ones, 20.10 (Debian 12), 26.1 and 28.5 (its successors), on a host with the
 * guide's networks and containers and with real ufw. A client in the LAN, one outside and the containers asked for each
 * of the guide's addresses, with each of its rules in DOCKER-USER and ufw, with and without the userland proxy, after
 * `ufw reload`, and after restarts of iptables and of Docker: restart-*.pcap are what `tcpdump -i any` saw of these on
 * a host of 28.5. What is said about 29 is in Docker's own golden files.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const Guide = suite('docs/docker-firewall.md');

const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));
const MAIN = join(PROJECT, 'dist/cli/main.js');
const execFileAsync = promisify(execFile);
const SHELL = `nfreplay() { "${process.execPath}" "${MAIN}" "$@"; }`;
const folder = mkdtempSync(join(tmpdir(), 'nfreplay-guide-'));
cpSync(join(PROJECT, 'docs/docker-firewall'), folder, { recursive: true });

interface Shown {
  readonly command: string;
  /** What is printed; a line … stands for any lines, … in a line for any text. */
  readonly output: string;
}

/** The commands of SECTION, those that a backslash continues as one. */
function commandsIn(section: string): Shown[] {
  const blocks = [...section.matchAll(/^```\n(.*?)^```$/gms)].map(([, block]) => block);
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((text) => {
        const [command] = /^(?:.*\\\n)*.*\n/.exec(text) ?? [''];
        return { command, output: `${text.slice(command.length).trimEnd()}\n` };
      }),
  );
}

/** What text with … stands for. */
function patternOf(output: string): RegExp {
  const lines = output.split(/(?<=\n)/).map((line) => {
    if (line.trim() === '…') return '(?:.*\\n)*?';
    return line.split('…').map(escaped).join('.*');
  });
  return new RegExp(`^${lines.join('')}$`);
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

const [, ...sections] = readFileSync(join(PROJECT, 'docs/docker-firewall.md'), 'utf8').split(/^## /m);

const shown = sections.map((section) => commandsIn(section));
/** What commands have printed, once they have ended. */
const printed = new Map<Shown, Promise<string>>();

/** Starts COMMANDS, as many side by side as WIDTH. */
function start(commands: readonly Shown[], width: number): void {
  const lanes: Promise<unknown>[] = Array.from({ length: width }, async () => {});
  for (const [i, item] of commands.entries()) {
    const run = lanes[i % width].then(() => outputOf(item));
    printed.set(item, run);
    lanes[i % width] = run;
  }
}

async function outputOf({ command }: Shown): Promise<string> {
  const env = { ...process.env, COLUMNS: '100', NO_COLOR: '1' };
  try {
    const { stdout, stderr } = await execFileAsync('sh', ['-c', `${SHELL}\n${command}`], { cwd: folder, env });
    return stdout + stderr;
  } catch (error) {
    return String(error);
  }
}

/** Hosts are made one after the other, in the guide's order; what asks about them can run side by side. */
Guide.before(async () => {
  const isMaking = ({ command }: Shown): boolean => command.startsWith('nfreplay docker ');
  const all = shown.flat();
  start(all.filter(isMaking), 1);
  await Promise.all(printed.values());
  start(
    all.filter((item) => !isMaking(item)),
    availableParallelism(),
  );
});

for (const [i, section] of sections.entries())
  Guide(section.slice(0, section.indexOf('\n')), async () => {
    for (const item of shown[i]) {
      const { command, output } = item;
      const now = (await printed.get(item)) ?? '';
      assert.ok(patternOf(output).test(now), `${command}prints\n${now}instead of\n${output}`);
    }
  });

Guide('shows something in each of its sections', () => {
  assert.ok(shown.filter((commands) => commands.length > 0).length > 12 && shown.flat().length > 30);
});

Guide.after(() => rmSync(folder, { recursive: true }));

Guide.run();
