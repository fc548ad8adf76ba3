// Puts the client together.
import type { Client, ClientOptions } from './client'

export declare function createClient(options: ClientOptions): Client
