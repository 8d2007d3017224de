/** `nfreplay trace` of what captures hold: one frame, or the connections that a sentence describes. */
import { type ConnectionTrace, traceConnections } from '../explain/capture/connection-trace.js';
import type { LadderEnd } from '../explain/capture/entry-course.js';
import { frameFate } from '../explain/capture/frame-fate.js';
import { traceFrame } from '../explain/capture/frame-trace.js';
import { ladderLines } from '../explain/capture/ladder-text.js';
import { fateJson, fateTexts } from '../explain/fate/fate-text.js';
import { storyJson } from '../explain/story/story-json.js';
import { type StoryTextOptions, storyLines } from '../explain/story/story-text.js';
import { readSentence } from '../explain/trace.js';
import type { ReplayOptions } from '../replay/replay.js';
import type { Summary } from '../replay/summary.js';
import type { Arguments } from './args.js';
import { UsageError } from './errors.js';

type Json = Readonly<Record<string, unknown>>;

/** What a trace has found, in both forms. */
export interface TraceReport {
  /** Of the replay out of which it was taken. */
  readonly summary: Summary;
  readonly json: Json;
  lines(options: Omit<StoryTextOptions, 'names'>): string[];
}

/** What GIVEN asks for of captures; undefined: nothing. */
export function traceOfCaptures(given: Arguments, options: ReplayOptions): TraceReport | undefined {
  const packet = given.value('packet');
  const connection = given.value('connection');
  if (packet === undefined && connection === undefined) return undefined;
  const option = packet === undefined ? '--connection' : '--packet';
  if (packet !== undefined && connection !== undefined)
    throw new UsageError('--packet and --connection cannot be combined');
  if (given.positionals.length > 0 || given.values('then').length > 0 || given.has('log'))
    throw new UsageError(`${option} takes packets out of captures: no other packet can be described`);
  const { inputs = [], captures = [], stitchPaths = [] } = options;
  if (inputs.length + captures.length + stitchPaths.length === 0)
    throw new UsageError(`${option} requires a capture: --capture, --in or --stitch`);
  return packet === undefined ? connectionReport(connection ?? '', options) : frameReport(packet, options);
}

function frameReport(text: string, options: ReplayOptions): TraceReport {
  const trace = traceFrame(options, text, { isFollowed: true });
  const { name, story, assumed, setting, summary } = trace;
  const fate = frameFate(options, text, trace);
  return {
    summary,
    json: { packets: [{ frame: name, ...storyJson(story), assumed, ...fateJson(fate) }] },
    lines: (texts) => {
      const { marked, notes = [] } = fateTexts(fate, story, texts);
      const frame = { label: 'frame', lines: [`${name}, ${timeOf(story.tsSec, story.tsNsec)}`] };
      const told = { ...(marked === undefined ? {} : { marked }), notes: [...notes, frame] };
      return storyLines(story, { ...texts, ...told, names: setting.names, assumed });
    },
  };
}

function connectionReport(text: string, options: ReplayOptions): TraceReport {
  const trace = traceConnections(options, (setting) => readSentence(text, setting.names, '--connection'));
  const { ladders, hasMore, setting, summary } = trace;
  return {
    summary,
    json: connectionJson(trace),
    lines: (texts) => [
      ...ladders.flatMap(({ ladder, end }, i) => [
        ...(i === 0 ? [] : ['']),
        ...ladderLines(ladder, end, { ...texts, names: setting.names }),
      ]),
      ...(hasMore ? ['', `More connections fit; these are the first ${ladders.length}.`] : []),
    ],
  };
}

function connectionJson({ ladders, hasMore }: ConnectionTrace): Json {
  const packets = ladders.flatMap(({ ladder }) =>
    ladder.rungs.map(({ rung }) => ({ frame: rung.name, ...storyJson(rung.story), assumed: [] })),
  );
  return {
    packets,
    connections: ladders.map(({ ladder, end }) => ({
      frames: ladder.rungs.map(({ rung, before }) => ({
        frame: rung.name,
        direction: rung.direction ?? null,
        notes: rung.notes,
        ...(before === undefined ? {} : { before }),
      })),
      omitted: ladder.omitted,
      end: endJson(end),
    })),
    hasMore,
  };
}

function endJson(end: LadderEnd): Json {
  return { ...end };
}

function timeOf(sec: number, nsec: number): string {
  const iso = new Date(sec * 1000).toISOString().replace('.000Z', '');
  return `${iso}.${String(nsec).padStart(9, '0')}Z`;
}
