import type { ComponentChildren } from 'preact';
import type { ViewName } from '../selection.js';

const MOVES: Readonly<Record<string, (at: number, count: number) => number>> = {
  ArrowLeft: (at, count) => (at + count - 1) % count,
  ArrowRight: (at, count) => (at + 1) % count,
  Home: () => 0,
  End: (_, count) => count - 1,
};

/** The views' names as tabs, and CHILDREN, the chosen one, as their panel. */
export function Tabs(props: {
  readonly views: readonly ViewName[];
  readonly chosen: ViewName;
  readonly choose: (view: ViewName) => void;
  readonly children: ComponentChildren;
}) {
  const { views, chosen, choose, children } = props;
  const move = (event: KeyboardEvent) => {
    const next = MOVES[event.key]?.(views.indexOf(chosen), views.length);
    if (next === undefined) return;
    event.preventDefault();
    choose(views[next]);
    document.getElementById(`tab-${views[next]}`)?.focus();
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
