// A disk that can lose power: the file system `forgetful` over a folder.
import { execFile, spawn } from 'node:child_process'
import { mkdir, stat } from 'node:fs/promises'
import { promisify } from 'node:util'

import { until } from '../lib/house.mjs'

const execute = promisify(execFile)

/** @param program build/release/bin/power-forgetful @param folder what is on the disk @param mountpoint where it is seen */
export class Disk {
  constructor(program, folder, mountpoint) {
    Object.assign(this, { program, folder, mountpoint, said: '' })
  }

  async mount() {
    await mkdir(this.mountpoint, { recursive: true })
    const { dev } = await stat(this.mountpoint)
    this.process = spawn(this.program, [this.folder, this.mountpoint, '-f', '-o', 'default_permissions'],
      { stdio: ['ignore', 'pipe', 'inherit'] })
    this.said = ''
    this.process.stdout.on('data', (part) => (this.said += part))
    this.gone = new Promise((resolve) => this.process.on('close', resolve))
    await until('the disk is mounted', async () => (await stat(this.mountpoint)).dev !== dev)
  }

  /** From this moment on nothing reaches the folder. */
  cut() {
    this.process.kill('SIGUSR1')
  }

  /** What it had pending: {cut, files, pages}. Pending things are saved, unless the power was cut. */
  async unmount() {
    await until('the disk is let go', () => execute('fusermount3', ['-u', this.mountpoint]).then(() => true, () => false))
    await this.gone
    return JSON.parse(this.said)
  }
}
