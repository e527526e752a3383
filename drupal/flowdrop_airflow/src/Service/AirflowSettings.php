<?php

declare(strict_types=1);

namespace Drupal\flowdrop_airflow\Service;

use Drupal\Core\Config\ConfigFactoryInterface;

/**
 * The module's settings, one typed accessor each.
 *
 * Secrets may stand in settings.php, where configuration exports do not see
 * them: $config['flowdrop_airflow.settings']['signing_secrets'][0] = '...'.
 */
final class AirflowSettings {

  public function __construct(private readonly ConfigFactoryInterface $configFactory) {}

  /**
   * The address of Airflow without a trailing slash; "" when it is not set.
   */
  public function baseUrl(): string {
    return rtrim((string) $this->get('base_url'), '/');
  }

  /**
   * The user of Airflow that this site signs in as.
   */
  public function username(): string {
    return (string) $this->get('username');
  }

  /**
   * That user's password.
   */
  public function password(): string {
    return (string) $this->get('password');
  }

  /**
   * The signing secrets, newest first; empty ones left out.
   *
   * @return string[]
   *   The secrets.
   */
  public function secrets(): array {
    return array_values(array_filter(array_map('strval', (array) $this->get('signing_secrets'))));
  }

  /**
   * Processor or node type ids that Airflow may run here.
   *
   * @return string[]
   *   The ids; "*" for all.
   */
  public function allowedProcessors(): array {
    return array_values(array_map('strval', (array) $this->get('allowed_processors')));
  }

  /**
   * The id of the user as whom nodes run; 0 for nobody.
   */
  public function runAs(): int {
    return (int) $this->get('run_as');
  }

  /**
   * Whether Airflow is told at once when a workflow is saved.
   */
  public function pushes(): bool {
    return (bool) $this->get('push') && $this->baseUrl() !== '' && $this->secrets() !== [];
  }

  /**
   * Seconds a request to Airflow may take.
   */
  public function timeout(): int {
    return max(1, (int) $this->get('timeout'));
  }

  private function get(string $name): mixed {
    return $this->configFactory->get('flowdrop_airflow.settings')->get($name);
  }

}
