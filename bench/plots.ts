/** The two plots of README.md: what a packet costs against the number of rules, and of connections. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Measured, measureRows, median, type Row } from './measure.js';
import { manyConnections, type Scale, simple } from './rows.js';
import { missingRules } from './rulesets.js';
import { drawPlot, type Line } from './svg.js';
import { inputsOf, type Workspace } from './workspace.js';
import { Yardstick } from './yardstick.js';

const ROUNDS = 3;
const RULES = [10, 100, 1000, 10_000];
const ESTABLISHED_CONNECTIONS = 10_000;

/** Measures and writes `rules.svg` and `connections.svg` into DIR. */
export async function drawPlots(
  shop: Workspace,
  { packets, manyConnections: most }: Scale,
  dir: string,
  say: (line: string) => void,
): Promise<void> {
  const connections = [1000, 10_000, 100_000, 1_000_000].filter((count) => count <= most);
  const rows = [
    ...RULES.map((count) => rulesRow(count, packets, shop)),
    ...connections.map((count) =>
      plotRow(`connections ${count}`, () => [manyConnections(`c${count}`, count, packets, shop)]),
    ),
  ];
  const yardstick = new Yardstick(shop.dir);
  const measured = await measureRows(rows, { rounds: ROUNDS, yardstick, warm: (bytes) => shop.warm(bytes), say });
  yardstick.close();

  const rulesPlot = {
    title: 'Cost of a packet, by rules before the matching one',
    xLabel: 'rules (logarithmic)',
    yLabel: 'nanoseconds a packet',
    lines: [
      lineOf('packets of 10,000 connections', 'r', RULES, measured),
      lineOf('each packet a new connection', 'n', RULES, measured),
    ],
  };
  const connectionsPlot = {
    title: 'Cost of a packet, by connections established at once',
    xLabel: 'connections (logarithmic)',
    yLabel: 'nanoseconds a packet',
    lines: [lineOf('once all are settled', 'c', connections, measured)],
  };
  writeFileSync(join(dir, 'rules.svg'), drawPlot(rulesPlot));
  writeFileSync(join(dir, 'connections.svg'), drawPlot(connectionsPlot));
}

function rulesRow(count: number, packets: number, shop: Workspace): Row {
  return plotRow(`rules ${count}`, () => {
    const path = shop.rules(`plot-${count}`, missingRules(count));
    const inputs = inputsOf(shop.est64(packets, ESTABLISHED_CONNECTIONS));
    const newInputs = [{ iface: 'eth0', path: shop.newConnections(packets / 4) }];
    return [
      simple(`r${count}`, () => shop.replay(path, inputs)),
      simple(`n${count}`, () => shop.replay(path, newInputs)),
    ];
  });
}

function plotRow(name: string, prepare: Row['prepare']): Row {
  return { name, about: '', needs: [], goals: [], prepare };
}

function lineOf(name: string, prefix: string, xs: readonly number[], measured: readonly Measured[]): Line {
  return {
    name,
    points: xs.map((x) => ({ x, y: median(measured.find(({ key }) => key === `${prefix}${x}`)!.runs) })),
  };
}
