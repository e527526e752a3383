/** Gives the reader a file. */
export function download(name: string, content: string | Blob, type = "text/plain"): void {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** A file's name from a run's or a node's: nothing that a file system minds. */
export const fileName = (...parts: string[]): string => parts.join("-").replace(/[^\w.-]+/gu, "_");
