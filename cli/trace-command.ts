/** The command `nfreplay trace`: what becomes of a packet, and why. */
import { shown, shownJson } from '../codecs/text.js';
import { chosenTime } from '../explain/arrival-time.js';
import { countedLike } from '../explain/capture/frame-fate.js';
import { investigate } from '../explain/evidence/investigate.js';
import type { Finding } from '../explain/evidence/notes.js';
import { fateOf } from '../explain/fate/fate.js';
import { fateJson, fateTexts } from '../explain/fate/fate-text.js';
import { LEAD } from '../explain/story/layout.js';
import { storyJson } from '../explain/story/story-json.js';
import { type StoryTextOptions, storyLines } from '../explain/story/story-text.js';
import { widthOf, wrap, wrapAfter } from '../explain/text/columns.js';
import { type Style, styleOf } from '../explain/text/style.js';
import { type TracedPacket, traceSentences } from '../explain/trace.js';
import type { TrialSetting } from '../explain/trial.js';
import { readText } from '../io/text-file.js';
import { GENERATOR } from '../replay/result-files.js';
import { loadSetting } from '../replay/setting.js';
import { version } from '../replay/version.js';
import { type Arguments, parseCommand } from './args.js';
import { TRACE } from './commands/trace.js';
import { ExitCode, UsageError } from './errors.js';
import { STDOUT, warn } from './output.js';
import { replayOptionsOf } from './replay-options.js';
import { strictly } from './strictness.js';
import { type TraceReport, traceOfCaptures } from './trace-captures.js';

const SCHEMA = 1;

/** Runs the command; returns the exit code. */
export function traceCommand(args: readonly string[]): number {
  const given = parseCommand(TRACE, args);
  const options = replayOptionsOf(given);
  const captured = traceOfCaptures(given, options);
  if (captured !== undefined) return reportCaptured(captured, given);
  const find = questionIn(given);
  const setting = loadSetting(options);
  const packets = find({ setting, options });
  const warnings = [...setting.warnings, ...packets.flatMap(({ lead = [] }) => lead)];
  for (const warning of warnings) warn(warning);
  if (given.has('json')) {
    const json = { schema: SCHEMA, generator: `${GENERATOR} ${version()}`, packets: packets.map(packetJson) };
    STDOUT.write(`${shownJson({ ...json, warnings })}\n`);
    return exitCodeOf(packets, warnings, given);
  }
  const style = styleOf(STDOUT, given.color);
  const texts: StoryTextOptions = {
    ...{ width: widthOf(STDOUT), style, names: setting.names },
    ...{ isUnfolded: given.has('all'), isMinimal: given.has('minimal') },
  };
  const stories = packets.map((packet, i) => [...headingOf(packet, i, texts.style), ...packetLines(packet, texts)]);
  STDOUT.write(`${stories.map((lines) => lines.join('\n')).join('\n\n')}\n`);
  return exitCodeOf(packets, warnings, given);
}

/** 0 whatever became of PACKETS, unless `--strict` asks for more. */
function exitCodeOf(packets: readonly TracedOrLogged[], warnings: readonly string[], given: Arguments): ExitCode {
  if (!given.has('strict')) return ExitCode.DONE;
  const assumed = [...new Set(packets.flatMap((packet) => packet.assumed))];
  const uncertain = packets.filter(({ story }) => story.uncertain.length > 0).length;
  return strictly({
    ...{ warnings: [...warnings], assumed, skipped: {} },
    ...(uncertain === 0 ? {} : { uncertain: { packets: uncertain, causes: [] } }),
  });
}

/** A packet, and what a line about it has told. */
type TracedOrLogged = Omit<TracedPacket, 'sentence'> & { readonly sentence?: string; readonly finding?: Finding };

/** What finds the packets of the command line: by sentences, or by a line that is about one. */
function questionIn(given: Arguments): (setting: TrialSetting) => TracedOrLogged[] {
  const line = given.value('log');
  const then = given.values('then');
  if (line === undefined) {
    const sentence = sentenceIn(given);
    return (setting) => traceSentences(setting, [sentence, ...then]).map((packet) => withCount(packet, setting));
  }
  if (given.positionals.length > 0) throw new UsageError('--log says which packet it is: leave out the sentence');
  if (then.length > 0) throw new UsageError('--then goes on after a sentence, not after --log');
  return (setting) => {
    const finding = investigate(setting, line === '-' ? readText('-') : line);
    const chosen = [...finding.chosen, ...chosenTime(finding.result.story)];
    const fate = fateOf(setting, finding.play, [finding.result]);
    return [withCount({ ...finding.result, chosen, finding, fate }, setting)];
  };
}

/** PACKET with how many packets of the captures, if some are given, share its fate. */
function withCount<Packet extends Pick<TracedPacket, 'fate' | 'story'>>(
  packet: Packet,
  { options }: TrialSetting,
): Packet {
  const { fate, story } = packet;
  return fate === undefined ? packet : { ...packet, fate: { ...fate, ...countedLike(options, fate.traversal, story) } };
}

/** What stands above a packet that is not the first. */
function headingOf({ sentence = '' }: TracedOrLogged, index: number, style: Style): string[] {
  return index === 0
    ? []
    : [style.dim(`${index + 1}  --then ${shown(/\s/.test(sentence) ? `'${sentence}'` : sentence)}`)];
}

/** Prints what was traced out of captures. */
function reportCaptured({ summary, json, lines }: TraceReport, given: Arguments): ExitCode {
  const { warnings } = summary;
  for (const warning of warnings) warn(warning);
  if (given.has('json')) {
    STDOUT.write(`${shownJson({ schema: SCHEMA, generator: `${GENERATOR} ${version()}`, ...json, warnings })}\n`);
  } else {
    const texts = { width: widthOf(STDOUT), style: styleOf(STDOUT, given.color) };
    const options = { ...texts, isUnfolded: given.has('all'), isMinimal: given.has('minimal') };
    STDOUT.write(`${lines(options).join('\n')}\n`);
  }
  return given.has('strict') ? strictly(summary) : ExitCode.DONE;
}

function sentenceIn(given: Arguments): string {
  const [sentence, ...more] = given.positionals;
  if (sentence === undefined) {
    throw new UsageError("nfreplay trace requires a packet, such as 'eth0 tcp 203.0.113.7:51515 > 192.0.2.10:8081 S'");
  }
  if (more.length > 0) {
    throw new UsageError(`the packet is one word for the shell: quote it, as in '${given.positionals.join(' ')}'`);
  }
  return sentence;
}

function packetLines(packet: TracedOrLogged, options: StoryTextOptions): string[] {
  const { story, assumed, chosen, note, finding, fate } = packet;
  const lead = finding?.lead ?? packet.lead;
  const { width, style, isMinimal = false } = options;
  const { marked = new Map(), notes: fates = [] } = fate === undefined ? {} : fateTexts(fate, story, options);
  const notes = [...(finding?.notes.map((one) => ({ ...one, isMinimal: true })) ?? []), ...fates];
  return [
    ...(lead === undefined ? [] : [...wrap(shown(lead), width).map(style.yellow), '']),
    ...storyLines(story, { ...options, marked, assumed, notes }),
    ...(isMinimal || chosen.length === 0 ? [] : noteLines('chosen', chosen.join(', '), width).map(style.dim)),
    ...(note === undefined ? [] : noteLines('then', note, width)),
  ];
}

const noteLines = (label: string, text: string, width: number): string[] =>
  wrapAfter(label.padEnd(LEAD), shown(text), width);

function packetJson(packet: TracedOrLogged): Readonly<Record<string, unknown>> {
  const { sentence, chosen, story, assumed, note, finding, fate } = packet;
  const by = finding === undefined ? { sentence } : { evidence: { isFound: finding.isFound, ...finding.json } };
  const more = { ...(fate === undefined ? {} : fateJson(fate)), ...(note === undefined ? {} : { note }) };
  return { ...by, ...storyJson(story), assumed, chosen, ...more };
}
