// `npm start`: replays the Docker example, as a first look after cloning the project.
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { widthOf } from '../explain/text/columns.js';
import { styleOf } from '../explain/text/style.js';
import { listPaths } from '../io/capture-file.js';
import { casesIn } from '../replay/golden-case.js';
import { replay } from '../replay/replay.js';
import { STDOUT } from './output.js';
import { formatReport } from './report.js';

const PROJECT = resolve(fileURLToPath(new URL('../..', import.meta.url)));
const CASE = join(PROJECT, 'pcaps/docker');
const OUT = join(PROJECT, 'out/docker');

const here = (path: string) => relative(process.cwd(), path) || '.';

const [{ rulesPath = '', hostPath, inputs }] = casesIn(CASE);

const style = styleOf(STDOUT);
const startedMs = performance.now();
const summary = replay({ rulesPath, hostPath, inputs, outDir: OUT });
const durationMs = performance.now() - startedMs;

const command = [
  'node dist/cli/main.js replay',
  `--rules ${here(rulesPath)} --host ${here(hostPath)}`,
  ...inputs.flatMap(({ iface, path }) => listPaths(path).map((file) => `--in ${iface}=${here(file)}`)),
  `--out ${here(OUT)}`,
].join(' \\\n    ');

STDOUT.write(`
A Docker host at 192.0.2.10 publishes port 36379, which is forwarded to Redis in the container 172.17.0.3:6379.
The packets that arrived on its interfaces go through its iptables rules as they would in its kernel:

${formatReport(summary, { style, top: 10, outDir: OUT, durationMs, width: widthOf(STDOUT) })}
Look at the rewritten packets in Wireshark, or with
  tcpdump -nr ${here(join(OUT, 'docker0.pcap'))}

To run it yourself, with any changes you like (see node dist/cli/main.js --help):
  ${command}
`);
