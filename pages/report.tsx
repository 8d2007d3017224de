/** Where the script of a report's page begins. */
import { start } from './shell/start.js';

start();
