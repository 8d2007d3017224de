/**
 * The source package of the iptables of this machine, which has the tests of its extensions. It is GPL: it is unpacked
 * into a temporary folder, and nothing of it is kept.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../command.js';

/** Downloads and unpacks it; returns the new folder, and in it the folder of the extensions. Debian only. */
export function fetchIptablesSource(): { readonly folder: string; readonly extensions: string } {
  const folder = mkdtempSync(join(tmpdir(), 'iptables-source-'));
  for (const name of ['lists/partial', 'download', 'source']) mkdirSync(join(folder, name), { recursive: true });
  const codename = /^VERSION_CODENAME=(.*)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  if (codename === undefined) throw new Error('/etc/os-release names no release of Debian: give --source FOLDER');
  const list = join(folder, 'sources.list');
  writeFileSync(list, `deb-src http://deb.debian.org/debian ${codename} main\n`);
  // A list of its own, so that the machine's stays as it is.
  const options = [
    `Dir::Etc::SourceList=${list}`,
    'Dir::Etc::SourceParts=-',
    `Dir::State::Lists=${join(folder, 'lists')}`,
    'APT::Sandbox::User=root',
  ].flatMap((option) => ['-o', option]);
  run('apt-get', [...options, 'update']);
  const download = join(folder, 'download');
  run('sh', ['-c', 'cd "$0" && apt-get "$@"', download, ...options, 'source', '--download-only', 'iptables']);
  const archive = readdirSync(download).find((name) => /^iptables_.*\.orig\.tar\./.test(name));
  if (archive === undefined) throw new Error('the source package of iptables has no archive');
  run('tar', ['xf', join(download, archive), '-C', join(folder, 'source'), '--strip-components=1']);
  return { folder, extensions: join(folder, 'source', 'extensions') };
}
