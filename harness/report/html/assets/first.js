// Before anything is painted: the reader's choice of light or dark. A file's localStorage may be refused.
try {
  const kept = localStorage.getItem("harness-theme");
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
} catch { /* then the system's choice it is */ }
