/** How many packets of captures meet the same fate as one that was traced. */

import { decodePacket } from '../../core/decode.js';
import { fitsArrival, type Traversal } from '../../core/flow/traversal.js';
import { TraversalRecorder } from '../../core/flow/traversal-recorder.js';
import type { Host } from '../../core/host/host.js';
import type { IpStack } from '../../core/ip-stack.js';
import type { Frame } from '../../core/link/frame.js';
import { IpLocation, locateIp } from '../../core/link/locate-ip.js';
import { Packet } from '../../core/packet.js';
import type { Ruleset } from '../../core/rules/model.js';
import type { FramePlace } from '../../replay/packet-watch.js';
import { type ReplayOptions, replay } from '../../replay/replay.js';
import type { ClassCount } from '../fate/fate.js';
import { formatDecider } from '../story/decider.js';
import type { Story } from '../story/story.js';
import { StoryWatch } from './story-watch.js';

/** How many packets are looked at, and of how many the stories are told: as many as nobody waits for. */
const MOST_READ = 100_000;
const MOST_TOLD = 3000;

/** How many packets in a replay with OPTIONS are in the class of TRAVERSAL and meet the fate that STORY tells. */
export function countLike(options: ReplayOptions, traversal: Traversal, story: Story): ClassCount {
  let watch: ClassWatch | undefined;
  replay({
    ...options,
    watch: ({ setting: { ruleset, host } }) => {
      watch = new ClassWatch(traversal, story, ruleset, host);
      return watch;
    },
  });
  return { packets: watch?.count ?? 0, ...(watch?.isDone ? { ofFirst: watch.read } : {}) };
}

class ClassWatch extends StoryWatch {
  count = 0;
  read = 0;
  readonly #traversal: Traversal;
  readonly #story: Story;
  /** Reads what rules see; it follows no packets. */
  readonly #reader: TraversalRecorder;
  readonly #location = new IpLocation();
  readonly #packet = new Packet();
  #told = 0;
  #isWanted = false;

  constructor(traversal: Traversal, story: Story, ruleset: Ruleset, host: Host) {
    super();
    this.#traversal = traversal;
    this.#story = story;
    this.#reader = new TraversalRecorder(ruleset, host);
  }

  override get isDone(): boolean {
    return this.read >= MOST_READ || this.#told >= MOST_TOLD;
  }

  override begin(emulator: IpStack): void {
    super.begin(emulator);
    this.#reader.follow(emulator);
  }

  wants(_place: FramePlace, frame: Frame, _isShown: boolean, isOwn: boolean): boolean {
    this.read++;
    this.#isWanted = this.#fits(frame, isOwn);
    return this.#isWanted;
  }

  #fits(frame: Frame, isOwn: boolean): boolean {
    const location = this.#location;
    if (!locateIp(frame, location)) return false;
    const { bytes, view } = frame;
    const packet = this.#packet;
    if (decodePacket(packet, { bytes, view, ...placeOf(location) }, false) !== '') return false;
    packet.inDev = isOwn ? -1 : frame.dev;
    packet.type = location.packetType;
    return fitsArrival(this.#traversal, packet, this.#reader.context);
  }

  told(story: Story | undefined): void {
    if (!this.#isWanted || story === undefined) return;
    this.#told++;
    if (fateKey(story) === fateKey(this.#story)) this.count++;
  }
}

const placeOf = ({ at, captured, onWire }: IpLocation) => ({ at, captured, onWire });

/** What is the same for all that meet one fate. */
function fateKey({ verdict, decider, tracked }: Story): string {
  return [verdict, formatDecider(decider), tracked?.ctstate, tracked?.direction].join(' ');
}
