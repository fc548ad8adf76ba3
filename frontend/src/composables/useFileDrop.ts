/* Files that are dragged over a place and let go there, or pasted into it. Text and links stay what they are. */
import { ref } from 'vue'

function carriesFiles(transfer: DataTransfer | null): boolean {
  return transfer?.types.includes('Files') ?? false
}

/* Folders have no bytes and cannot be told from empty files but by this. */
function filesOf(transfer: DataTransfer | null): File[] {
  const items = [...(transfer?.items ?? [])].filter(({ kind }) => kind === 'file')
  const folders = new Set(items.filter((item) => item.webkitGetAsEntry()?.isDirectory).map((item) => item.getAsFile()?.name))
  return [...(transfer?.files ?? [])].filter(({ name }) => !folders.has(name))
}

export function useFileDrop(allowed: () => boolean, take: (files: File[]) => void) {
  const over = ref(false)
  /* Entering a child comes before leaving its parent. */
  let depth = 0

  function end(): void {
    depth = 0
    over.value = false
  }

  return {
    over,
    on: {
      dragenter(event: DragEvent): void {
        if (!carriesFiles(event.dataTransfer) || !allowed()) return
        event.preventDefault()
        depth++
        over.value = true
      },
      dragover(event: DragEvent): void {
        if (!carriesFiles(event.dataTransfer)) return
        // Let go where it is not wanted, the browser would leave the page for it.
        event.preventDefault()
        if (event.dataTransfer !== null) event.dataTransfer.dropEffect = allowed() ? 'copy' : 'none'
      },
      dragleave(): void {
        if (--depth <= 0) end()
      },
      drop(event: DragEvent): void {
        if (!carriesFiles(event.dataTransfer)) return
        event.preventDefault()
        end()
        const files = filesOf(event.dataTransfer)
        if (allowed() && files.length > 0) take(files)
      },
      paste(event: ClipboardEvent): void {
        const files = filesOf(event.clipboardData)
        // A table copied from a program is text first, and a picture of it besides.
        if (files.length === 0 || event.clipboardData?.types.includes('text/plain') || !allowed()) return
        event.preventDefault()
        take(files)
      },
    },
  }
}
