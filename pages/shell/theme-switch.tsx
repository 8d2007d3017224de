import { useState } from 'preact/hooks';

const THEMES = ['automatic', 'light', 'dark'] as const;
type Theme = (typeof THEMES)[number];
const SIGNS: Readonly<Record<Theme, string>> = { automatic: '◐', light: '☀', dark: '☾' };
const KEY = 'nfreplay-theme';

/** Automatic: as the system has it. Files on disk may have no storage to keep it in. */
function storedTheme(): Theme {
  try {
    return THEMES.find((theme) => theme === localStorage.getItem(KEY)) ?? 'automatic';
  } catch {
    return 'automatic';
  }
}

function storeTheme(theme: Theme): void {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // It holds until the page is closed.
  }
}

function applyTheme(theme: Theme): Theme {
  if (theme === 'automatic') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  return theme;
}

export function ThemeSwitch() {
  const [theme, setTheme] = useState(() => applyTheme(storedTheme()));
  const turn = () => {
    const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    storeTheme(next);
    setTheme(applyTheme(next));
  };
  const words = `Theme: ${theme}`;
  return (
    <button type="button" class="theme" aria-label={words} title={words} onClick={turn}>
      <span aria-hidden="true">{SIGNS[theme]}</span>
    </button>
  );
}
