import { useState } from 'preact/hooks';

const SIGNS = { automatic: '◐', light: '☀', dark: '☾' } as const;
type Theme = keyof typeof SIGNS;
const THEMES = Object.keys(SIGNS) as Theme[];
const KEY = 'nfreplay-theme';

/** Automatic: as the system has it. */
function storedTheme(): Theme {
  return THEMES.find((theme) => theme === stored()?.getItem(KEY)) ?? THEMES[0];
}

/** Files on disk may have no storage: then a theme holds until the page is closed. */
function stored(): Storage | undefined {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}

function applyTheme(theme: Theme): Theme {
  // No style sheet names `automatic`.
  document.documentElement.dataset.theme = theme;
  return theme;
}

export function ThemeSwitch() {
  const [theme, setTheme] = useState(() => applyTheme(storedTheme()));
  const turn = () => {
    const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    setTheme(applyTheme(next));
    stored()?.setItem(KEY, next);
  };
  return (
    <button type="button" class="theme" title={`Theme: ${theme}`} onClick={turn}>
      <span aria-hidden="true">{SIGNS[theme]}</span>
    </button>
  );
}
