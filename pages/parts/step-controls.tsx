import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { STEP_KEYS } from './step-keys.js';
import './step-controls.css';

const STEP_MS = 700;

/** Goes through STEPS steps, one by one or by itself, with buttons and the arrow keys. CHILDREN: the step in words. */
export function StepControls(props: {
  readonly steps: number;
  readonly step: number;
  readonly onStep: (step: number) => void;
  readonly children?: ComponentChildren;
}) {
  const { steps, onStep, children } = props;
  const step = Math.max(0, Math.min(props.step, steps - 1));
  const [isPlaying, setPlaying] = useState(false);
  const isLast = step >= steps - 1;
  useEffect(() => {
    if (!isPlaying) return;
    if (isLast) return setPlaying(false);
    const timer = setTimeout(() => onStep(step + 1), STEP_MS);
    return () => clearTimeout(timer);
  }, [isPlaying, step, isLast]);
  const go = (next: number) => {
    setPlaying(false);
    onStep(Math.min(Math.max(next, 0), steps - 1));
  };
  const play = () => {
    if (!isPlaying && isLast) onStep(0);
    setPlaying(!isPlaying);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const next = STEP_KEYS[event.key]?.(step, steps);
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    go(next);
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for what a form sends
    <div class="step-controls" role="group" aria-label="Steps" onKeyDown={onKeyDown}>
      <button type="button" aria-label="Step back" disabled={step <= 0} onClick={() => go(step - 1)}>
        ◂
      </button>
      <button type="button" aria-label={isPlaying ? 'Pause' : 'Play'} disabled={steps < 2} onClick={play}>
        {isPlaying ? '❚❚' : '▸'}
      </button>
      <button type="button" aria-label="Next step" disabled={isLast} onClick={() => go(step + 1)}>
        ▸▏
      </button>
      <span class="step-number">{steps === 0 ? 'no steps' : `step ${step + 1} of ${steps}`}</span>
      <span class="step-words" aria-live="polite">
        {children}
      </span>
    </div>
  );
}
