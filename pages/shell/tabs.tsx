import type { ComponentChildren } from 'preact';
import { STEP_KEYS } from '../parts/step-keys.js';
import type { ViewName } from '../selection.js';

/** The views' names as tabs, and CHILDREN, the chosen one, as their panel. */
export function Tabs(props: {
  readonly views: readonly ViewName[];
  readonly chosen: ViewName;
  readonly choose: (view: ViewName) => void;
  readonly children: ComponentChildren;
}) {
  const { views, chosen, choose, children } = props;
  const move = (event: KeyboardEvent) => {
    const next = STEP_KEYS[event.key]?.(views.indexOf(chosen), views.length);
    if (next === undefined) return;
    event.preventDefault();
    const view = views.at(next % views.length)!;
    choose(view);
    document.getElementById(`tab-${view}`)?.focus();
  };
  return (
    <>
      <div class="tabs" role="tablist" aria-label="Views" onKeyDown={move}>
        {views.map((view) => (
          <button
            type="button"
            role="tab"
            key={view}
            id={`tab-${view}`}
            aria-selected={view === chosen}
            aria-controls="view"
            tabIndex={view === chosen ? 0 : -1}
            onClick={() => choose(view)}
          >
            {view}
          </button>
        ))}
      </div>
      <main>
        <div id="view" role="tabpanel" aria-labelledby={`tab-${chosen}`} class={`view ${chosen.toLowerCase()}`}>
          {children}
        </div>
      </main>
    </>
  );
}
