// `npm start`: tells the story of the article's Docker host, as a first look after cloning the project.
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { frameStories } from '../explain/capture/frame-stories.js';
import { makeReport } from '../explain/report/make-report.js';
import { pageHtml } from '../explain/report/page.js';
import { arrivalWords, packetWords } from '../explain/story/packet-words.js';
import type { Story } from '../explain/story/story.js';
import { deciderText, deciderWords } from '../explain/story/story-text.js';
import { widthOf, wrapAfter } from '../explain/text/columns.js';
import { styleOf } from '../explain/text/style.js';
import { readPageAssets } from '../io/page-assets.js';
import { casesIn, optionsOf } from '../replay/golden-case.js';
import type { Names } from '../replay/names.js';
import type { ChangeSummary } from '../replay/summary.js';
import { formatNumber } from './number.js';
import { STDOUT } from './output.js';
import { ReportFile } from './report-file.js';

const PROJECT = resolve(fileURLToPath(new URL('../..', import.meta.url)));
const here = (path: string): string => relative(process.cwd(), join(PROJECT, path)) || '.';
const CASE = here('pcaps/article-restart');
const OUT = here('out/article');

const [golden] = casesIn(CASE);
const style = styleOf(STDOUT);
const width = Math.min(widthOf(STDOUT) ?? 120, 120);

/** What is told of the host's life: packets, by their numbers in the capture, and what is typed on the host. */
const SCENES: readonly ({ readonly label: string; readonly frame: number } | { readonly command: string })[] = [
  { label: 'in', frame: 40 },
  { label: 'out', frame: 112 },
  { label: 'refused', frame: 100 },
  { command: 'systemctl restart iptables' },
  { label: 'was open', frame: 284 },
  { label: 'new', frame: 269 },
  { label: 'out', frame: 274 },
  { command: 'systemctl start docker' },
  { command: 'docker start redistest web' },
  { label: 'in', frame: 330 },
];
const frames = SCENES.flatMap((scene) => ('frame' in scene ? [scene.frame] : []));

const startedMs = performance.now();
const { stories, summary } = frameStories({ ...optionsOf(golden), outDir: OUT }, frames);
const durationMs = performance.now() - startedMs;
const page = new ReportFile(join(OUT, 'report.html'));
const options = { ...optionsOf(golden), looksOnly: true };
const report = makeReport('A Docker host, and a restart of its firewall', [{ name: OUT, options }]);
page.write(Buffer.from(pageHtml(report, readPageAssets())));
const names: Names = new Map(Object.entries(summary.names ?? {}));

const LEAD = 10;

/** A packet, where it went, and the rule that decided. */
function sceneLines(label: string, story: Story): string[] {
  const { verdict, decider, left } = story;
  const isThrough = verdict === 'forwarded';
  const rule = deciderText(decider);
  const word = style.bold((isThrough ? style.green : style.red)(verdict));
  const sent = left === undefined ? [] : [`leaves as ${packetWords(left.packet, { outDev: left.dev }, names)}`];
  const [first, ...rest] = [arrivalWords(story, names), ...sent].flatMap((text, i) =>
    wrapAfter(i === 0 ? label.padEnd(LEAD) : ' '.repeat(LEAD), text, width),
  );
  const by = wrapAfter(' '.repeat(LEAD), `${verdict} ${deciderWords(decider, story)}`, width);
  by[0] = by[0].replace(verdict, word);
  return [first, ...rest, ...by, ...wrapAfter(' '.repeat(LEAD + 2), rule, width)];
}

/** A command on the host, and what it did to the rules. */
function commandLine({ what, rules }: ChangeSummary): string {
  const { added = 0, removed = 0 } = rules ?? {};
  const did = added > removed ? `${added} rules more` : `${removed} rules fewer`;
  return `${style.bold(`# ${what}`)}   ${style.dim(did)}`;
}

const told = SCENES.flatMap((scene, i) => {
  if ('command' in scene) {
    const change = summary.changes?.find(({ what }) => what === scene.command);
    const gap = 'command' in SCENES[i - 1] ? [] : [''];
    return change === undefined ? [] : [...gap, commandLine(change)];
  }
  const story = stories.get(scene.frame);
  return story === undefined ? [] : sceneLines(scene.label, story);
});

const TRY = [
  [`trace --host ${CASE} 'eth0 tcp 192.0.2.50 > 192.0.2.10:46379'`, 'why is it refused?'],
  [`scan --host ${CASE}`, 'what is open, and from where?'],
  ["docker --run 'docker run -d -p 8080:80 nginx' -o out/host", 'what is your own host like? also of a compose file'],
];
const tries = TRY.map(([args, question]) => `  ${style.dim(`# ${question}`)}\n  node dist/cli/main.js ${args}`);

const opening = [
  'nfreplay replays captured packets through the rules of a Linux host, offline, and says which rule decided about',
  'each. This is the host of the article that it started from, about the network of Docker and iptables: Docker',
  'publishes port 6379 of the container redistest as port 36379 of 192.0.2.10; another container is called web. A real',
  `engine ran there, while tcpdump wrote ${CASE}/any.pcap. Here the same packets go through the rules that such an`,
  'engine writes:',
].join(' ');

const packets = `${formatNumber(summary.packets.read)} packets in ${Math.round(durationMs)} ms.`;
const results = `${packets} ${OUT} has what left, the rules with their counters, and the connections.`;
const look = `Look at it: open ${join(OUT, 'report.html')} in a browser.`;

STDOUT.write(`
${wrapAfter('', opening, width).join('\n')}

${told.join('\n')}

${wrapAfter('', results, width).join('\n')}
${style.bold(look)}

${tries.join('\n')}
`);
