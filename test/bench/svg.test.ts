import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { drawPlot, ticksUpTo } from '../../bench/svg.js';

const Svg = suite('plots');

const PLOT = {
  title: 'cost <of> a & b',
  xLabel: 'rules',
  yLabel: 'ns',
  lines: [
    {
      name: 'one',
      points: [
        { x: 10, y: 0 },
        { x: 1000, y: 100 },
      ],
    },
    { name: 'two', points: [{ x: 100, y: 50 }] },
  ],
};

/** Throws if the tags, attributes or entities of TEXT are not well-formed. */
function checkXml(text: string): void {
  const open: string[] = [];
  const rest = text.replace(/<(\/?)([a-z]+)((?: [a-zA-Z-]+="[^"<&]*")*)(\/?)>/g, (_, end, name, _attributes, empty) => {
    if (end !== '') assert.is(open.pop(), name);
    else if (empty === '') open.push(name);
    return '';
  });
  assert.equal(open, []);
  assert.not.match(rest, /[<>]/);
  assert.not.match(rest, /&(?!amp;|lt;|gt;)/);
}

Svg('is well-formed and contains every label and every point', () => {
  const svg = drawPlot(PLOT);
  checkXml(svg);
  assert.match(svg, 'cost &lt;of&gt; a &amp; b');
  for (const label of ['rules', 'ns', 'one', 'two', '1,000']) assert.match(svg, `>${label}</text>`);
  assert.is(svg.match(/<circle/g)?.length, 3);
});

Svg('the x axis is logarithmic, the y axis starts at 0', () => {
  const svg = drawPlot(PLOT);
  const circles = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [Number(x), Number(y)]);
  const [ten, thousand, hundred] = circles;
  assert.is(Math.abs(hundred[0] - (ten[0] + thousand[0]) / 2) < 0.2, true, '100 lies half way from 10 to 1000');
  assert.is(Math.abs(hundred[1] - (ten[1] + thousand[1]) / 2) < 0.2, true, '50 lies half way from 0 to 100');
  assert.is(ten[1] > thousand[1], true, 'more is higher');
});

Svg('ticks are round numbers that reach the maximum', () => {
  assert.equal(ticksUpTo(100), [0, 20, 40, 60, 80, 100]);
  assert.equal(ticksUpTo(101), [0, 20, 40, 60, 80, 100, 120]);
  assert.equal(ticksUpTo(2600), [0, 500, 1000, 1500, 2000, 2500, 3000]);
});

Svg('a plot without points is refused', () => {
  assert.throws(() => drawPlot({ ...PLOT, lines: [] }), 'without points');
});

Svg.run();
