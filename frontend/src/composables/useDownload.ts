/* Saves a file of the house under its name. The address is asked for at that moment, so that its token is good. */
import { useClient } from '@/stores/client'
import { useFeedback } from './useFeedback'

export function useDownload() {
  const client = useClient()
  const { complain } = useFeedback()

  async function download(fileId: string, name: string): Promise<void> {
    try {
      const { url } = await client.files.address(fileId)
      const link = document.createElement('a')
      link.href = url
      link.download = name
      link.click()
    } catch (error) {
      complain(error)
    }
  }

  return { download }
}
