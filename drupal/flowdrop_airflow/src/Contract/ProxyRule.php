<?php

declare(strict_types=1);

namespace Drupal\flowdrop_airflow\Contract;

/**
 * Which requests the same-origin proxy hands on to Airflow, and for whom.
 *
 * A closed list: whatever is not in it does not leave the site.
 */
final class ProxyRule {

  /**
   * Where the proxy begins on this site.
   */
  public const BASE = '/flowdrop-airflow/api';

  /**
   * The query parameter that carries the rest of the path.
   */
  public const PARAMETER = 'flowdrop_airflow_path';

  public const VIEW = 'view flowdrop airflow runs';
  public const RUN = 'start flowdrop airflow runs';
  public const ANSWER = 'answer flowdrop airflow questions';

  /**
   * Method, path pattern, permission.
   */
  private const RULES = [
    ['GET', '~^/pipeline/[A-Za-z0-9_-]{1,1200}(/(status|jobs|job-status|logs))?$~D', self::VIEW],
    ['GET', '~^/workflow/[A-Za-z0-9_.-]{1,250}/pipelines$~D', self::VIEW],
    ['GET', '~^/executions(/(active|[A-Za-z0-9_-]{1,1200}(/logs)?))?$~D', self::VIEW],
    ['GET', '~^/runs/[A-Za-z0-9_-]{1,1200}/(trace|changes|jobs)$~D', self::VIEW],
    ['GET', '~^/(interrupts/[A-Za-z0-9-]{1,64}|pipelines/[A-Za-z0-9_-]{1,1200}/interrupts)$~D', self::VIEW],
    ['POST', '~^/workflows/[A-Za-z0-9_.-]{1,250}/execute$~D', self::RUN],
    ['POST', '~^/(executions/[A-Za-z0-9_-]{1,1200}/cancel|pipeline/[A-Za-z0-9_-]{1,1200}/stop)$~D', self::RUN],
    ['POST', '~^/interrupts/[A-Za-z0-9-]{1,64}(/cancel)?$~D', self::ANSWER],
  ];

  /**
   * Query parameters that are handed on.
   */
  private const QUERY = ['limit', 'offset', 'status', 'level', 'cursor', 'since', 'workflow_id', 'node_id'];

  /**
   * Returns what stands behind the proxy's address, or NULL elsewhere.
   */
  public static function rest(string $path): ?string {
    return str_starts_with($path, self::BASE . '/') ? substr($path, strlen(self::BASE)) : NULL;
  }

  /**
   * Returns the permission a request needs, or NULL when it is not handed on.
   */
  public static function permission(string $method, string $path): ?string {
    foreach (self::RULES as [$verb, $pattern, $permission]) {
      if ($verb === strtoupper($method) && preg_match($pattern, $path) === 1) {
        return $permission;
      }
    }
    return NULL;
  }

  /**
   * Returns the query that is handed on.
   *
   * @param array<string, mixed> $query
   *   The query of the request.
   *
   * @return array<string, string>
   *   Known parameters with one value.
   */
  public static function query(array $query): array {
    $known = array_intersect_key($query, array_flip(self::QUERY));
    return array_map('strval', array_filter($known, 'is_scalar'));
  }

  /**
   * Headers of Airflow's answer that the browser gets.
   *
   * @return string[]
   *   Lower-case names.
   */
  public static function answerHeaders(): array {
    return ['content-type', 'etag', 'retry-after', 'idempotency-replayed', 'x-total-count'];
  }

}
