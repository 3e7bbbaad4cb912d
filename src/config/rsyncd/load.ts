/** An rsyncd.conf with the files it includes: its modules, each with all values that hold for it, and where they stand. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { NightdropError } from '../../lib/errors.ts';
import { fromText, printable } from '../../lib/names.ts';
import { nearest } from '../suggest.ts';
import { booleanOf, isUnset, keyOf, PARAMETERS, type Parameter, parameterNamed } from './parameters.ts';
import { type Statement, scan } from './scan.ts';

/** A file within a file within … */
const DEEPEST = 16;
const LARGEST_FILE = 16 << 20;

/** Where something stands: FILE:LINE. */
export interface Place {
  file: string;
  line: number;
}

/** A parameter where it is set. */
export interface Assignment extends Place {
  parameter: Parameter;
  /** latin1-tagged, with %VARIABLES% of the environment filled in */
  value: string;
  /** set among the global parameters: a default of modules that follow */
  isDefault: boolean;
}

/** By the parameter's name. */
export type Values = ReadonlyMap<string, Assignment>;

export interface Module extends Place {
  name: string;
  /** its own, and the defaults as they were where it began */
  values: Values;
}

/** A line that stock rsyncd passes over; the sentence says why. */
export interface Mistake extends Place {
  sentence: string;
}

export interface RsyncdConfig {
  /** everything that is set, in the order of reading */
  assignments: Assignment[];
  /** parameters of the server itself; the last that was set counts */
  server: Values;
  modules: Module[];
  mistakes: Mistake[];
}

/** Stock rsyncd would not start with this. */
export class RsyncdConfError extends NightdropError {
  constructor(message: string, cause?: unknown) {
    super('ERR_RSYNCD_CONF', message, { cause });
  }
}

/** @throws RsyncdConfError */
export function loadRsyncdConf(file: string, environment: NodeJS.ProcessEnv = process.env): RsyncdConfig {
  const loader = new Loader(file, environment);
  loader.read(file, 0);
  return loader.result();
}

type MutableModule = Module & { values: Map<string, Assignment> };

class Loader {
  private readonly base: string;
  private readonly environment: NodeJS.ProcessEnv;
  private readonly assignments: Assignment[] = [];
  private readonly mistakes: Mistake[] = [];
  private readonly modules: MutableModule[] = [];
  private server = new Map<string, Assignment>();
  /** of modules that follow */
  private defaults = new Map<string, Assignment>();
  /** undefined: among the global parameters */
  private module: MutableModule | undefined;

  constructor(file: string, environment: NodeJS.ProcessEnv) {
    this.base = path.dirname(path.resolve(file));
    this.environment = environment;
  }

  result(): RsyncdConfig {
    const { assignments, server, modules, mistakes } = this;
    return { assignments, server, modules, mistakes };
  }

  read(file: string, depth: number): void {
    for (const statement of scan(readConf(file))) this.take(statement, file, depth);
  }

  private take(statement: Statement, file: string, depth: number): void {
    const at = { file, line: statement.line };
    switch (statement.kind) {
      case 'section':
        this.begin(statement.name, at);
        break;
      case 'parameter':
        this.set(statement.name, statement.value, at);
        break;
      case 'directive':
        this.include(statement.name, statement.value, at, depth);
        break;
      case 'stray':
        this.mistakes.push({ ...at, sentence: `${named(statement.text)}no parameter, there is no = in it` });
        break;
      case 'broken':
        throw new RsyncdConfError(`${placeOf(at)}: ${statement.reason}: rsyncd does not start with that`);
    }
  }

  private begin(name: string, at: Place): void {
    if (keyOf(name) === 'global') {
      this.module = undefined;
      return;
    }
    if (name.includes('/')) {
      throw new RsyncdConfError(
        `${placeOf(at)}: [${printable(name)}]: a module's name has no slash: rsyncd does not start with that`,
      );
    }
    this.module = this.modules.find((module) => keyOf(module.name) === keyOf(name));
    if (this.module !== undefined) return;
    this.module = { ...at, name, values: new Map(this.defaults) };
    this.modules.push(this.module);
  }

  private set(name: string, given: string, at: Place): void {
    const parameter = parameterNamed(name);
    const value = expand(given, this.environment);
    const wrong = this.mistakeIn(name, parameter, value);
    if (wrong !== undefined) this.mistakes.push({ ...at, sentence: `${named(name)}${wrong}` });
    if (parameter === undefined || wrong !== undefined) return;
    const values = this.valuesFor(parameter);
    if (parameter.type === 'boolean or unset' && isUnset(value)) values.delete(parameter.name);
    else values.set(parameter.name, this.assign(parameter, value, at));
  }

  private mistakeIn(name: string, parameter: Parameter | undefined, value: string): string | undefined {
    if (parameter === undefined) {
      const known = PARAMETERS.map((one) => one.name);
      const meant = nearest(name.toLowerCase(), known);
      return `unknown parameter${meant === undefined ? '' : `; did you mean ${meant}?`}`;
    }
    if (this.module !== undefined && !parameter.ofModules) {
      return 'a parameter of the whole server, which rsyncd passes over in a module';
    }
    const isBoolean = parameter.type === 'boolean' || parameter.type === 'boolean or unset';
    if (!isBoolean || booleanOf(value) !== undefined) return undefined;
    if (parameter.type === 'boolean or unset' && isUnset(value)) return undefined;
    return `${printable(value)} is neither yes nor no`;
  }

  private assign(parameter: Parameter, text: string, at: Place): Assignment {
    const value = parameter.type === 'path' ? withoutSlashes(text) : text;
    const assignment: Assignment = { ...at, parameter, value, isDefault: this.module === undefined };
    this.assignments.push(assignment);
    return assignment;
  }

  private valuesFor(parameter: Parameter): Map<string, Assignment> {
    if (!parameter.ofModules) return this.server;
    return this.module?.values ?? this.defaults;
  }

  private include(name: string, target: string, at: Place, depth: number): void {
    if (name !== '&include' && name !== '&merge') {
      throw new RsyncdConfError(`${placeOf(at)}: ${printable(name)}: no directive: rsyncd does not start with that`);
    }
    if (depth >= DEEPEST) throw new RsyncdConfError(`${placeOf(at)}: files are included more than ${DEEPEST} deep`);
    const files = filesOf(this.found(target), name === '&include' ? '.conf' : '.inc', at);
    if (name === '&merge') {
      for (const file of files) this.read(file, depth + 1);
      return;
    }
    // what an included file sets holds for itself alone; what follows it is global
    const { server, defaults } = this;
    for (const file of files) {
      this.server = new Map(server);
      this.defaults = new Map(defaults);
      this.module = undefined;
      this.read(file, depth + 1);
    }
    this.server = server;
    this.defaults = defaults;
    if (files.length > 0) this.module = undefined;
  }

  /** As rsyncd finds it, from where it is started; else beside the main file. */
  private found(target: string): string {
    const bytes = Buffer.from(target, 'latin1').toString('utf8');
    return existsSync(bytes) ? bytes : path.resolve(this.base, bytes);
  }
}

function readConf(file: string): string {
  try {
    if (statSync(file).size > LARGEST_FILE) throw new RsyncdConfError(`${file} is larger than any rsyncd.conf`);
    return readFileSync(file, 'latin1');
  } catch (error) {
    if (error instanceof RsyncdConfError) throw error;
    throw new RsyncdConfError(`${file} cannot be read: ${(error as Error).message}`, error);
  }
}

/** The file itself, or of a folder those with the ending, in the order of their names' bytes. */
function filesOf(target: string, ending: string, at: Place): string[] {
  try {
    if (!statSync(target).isDirectory()) return [target];
    const names = readdirSync(target).filter((name) => name.endsWith(ending));
    return names.sort((a, b) => (fromText(a) < fromText(b) ? -1 : 1)).map((name) => path.join(target, name));
  } catch (error) {
    throw new RsyncdConfError(`${placeOf(at)}: ${target} cannot be read: ${(error as Error).message}`, error);
  }
}

/** %NAME% of the environment. What rsyncd sets itself when somebody connects (RSYNC_…) stays, as does all that is no variable. */
function expand(value: string, environment: NodeJS.ProcessEnv): string {
  let text = '';
  for (let rest = value; rest !== ''; ) {
    const found = /^%([A-Z][^%]*)%/.exec(rest);
    const known = found === null || found[1].startsWith('RSYNC_') ? undefined : environment[found[1]];
    text += known === undefined ? rest[0] : fromText(known);
    rest = rest.slice(known === undefined ? 1 : found![0].length);
  }
  return text;
}

/** To be told, if it can be the name of something: a file of secrets that was taken for a configuration is not shown. */
function named(text: string): string {
  return /^[A-Za-z][A-Za-z _-]{0,30}$/.test(text) ? `${text}: ` : '';
}

function withoutSlashes(value: string): string {
  return value.replace(/(?<=.)\/+$/, '');
}

/** A value as it is in a module, whose name may stand in it. */
export function valueIn(module: string, { value }: Assignment): string {
  return value.replaceAll('%RSYNC_MODULE_NAME%', module);
}

export function placeOf({ file, line }: Place): string {
  return `${printable(fromText(file))}:${line}`;
}
