<?php

declare(strict_types=1);

namespace Drupal\flowdrop_airflow\Form;

use Drupal\Core\Form\ConfigFormBase;
use Drupal\Core\Form\FormStateInterface;
use Drupal\flowdrop_airflow\Contract\Signature;
use Drupal\flowdrop_airflow\Service\AirflowClient;
use Symfony\Component\DependencyInjection\ContainerInterface;

/**
 * Where Airflow is, what both sides share, and what Airflow may do here.
 */
final class SettingsForm extends ConfigFormBase {

  /**
   * Calls Airflow.
   */
  private AirflowClient $client;

  /**
   * {@inheritdoc}
   */
  public static function create(ContainerInterface $container): static {
    $form = parent::create($container);
    $form->client = $container->get('flowdrop_airflow.client');
    return $form;
  }

  /**
   * {@inheritdoc}
   */
  public function getFormId(): string {
    return 'flowdrop_airflow_settings';
  }

  /**
   * {@inheritdoc}
   */
  protected function getEditableConfigNames(): array {
    return ['flowdrop_airflow.settings'];
  }

  /**
   * {@inheritdoc}
   */
  public function buildForm(array $form, FormStateInterface $form_state): array {
    $config = $this->config('flowdrop_airflow.settings');
    $form['base_url'] = [
      '#type' => 'url',
      '#title' => $this->t('Address of Airflow'),
      '#default_value' => $config->get('base_url'),
      '#required' => TRUE,
    ];
    $form['username'] = [
      '#type' => 'textfield',
      '#title' => $this->t('User of Airflow'),
      '#default_value' => $config->get('username'),
    ];
    $form['password'] = [
      '#type' => 'password',
      '#title' => $this->t('Password'),
      '#description' => $this->t('Empty keeps the one that is set. Better kept in settings.php.'),
    ];
    $form['signing_secrets'] = [
      '#type' => 'textarea',
      '#title' => $this->t('New signing secrets'),
      '#description' => $this->t('One a line, newest first, at least 16 characters. Empty keeps those that are set.'),
      '#rows' => 2,
    ];
    $form['allowed_processors'] = [
      '#type' => 'textarea',
      '#title' => $this->t('Processors that Airflow may run here'),
      '#description' => $this->t('One processor or node type a line; * allows all. Empty allows none.'),
      '#default_value' => implode("\n", (array) $config->get('allowed_processors')),
    ];
    $form['run_as'] = [
      '#type' => 'entity_autocomplete',
      '#target_type' => 'user',
      '#selection_settings' => ['include_anonymous' => FALSE],
      '#title' => $this->t('User as whom nodes run here'),
      '#default_value' => $this->account((int) $config->get('run_as')),
    ];
    $form['push'] = [
      '#type' => 'checkbox',
      '#title' => $this->t('Tell Airflow at once when a workflow is saved'),
      '#default_value' => $config->get('push'),
    ];
    $form['timeout'] = [
      '#type' => 'number',
      '#title' => $this->t('Timeout'),
      '#min' => 1,
      '#max' => 120,
      '#field_suffix' => $this->t('seconds'),
      '#default_value' => $config->get('timeout'),
    ];
    $form['check'] = [
      '#type' => 'submit',
      '#value' => $this->t('Check the saved connection'),
      '#submit' => ['::check'],
      '#limit_validation_errors' => [],
    ];
    return parent::buildForm($form, $form_state);
  }

  /**
   * {@inheritdoc}
   */
  public function validateForm(array &$form, FormStateInterface $form_state): void {
    parent::validateForm($form, $form_state);
    foreach (self::lines($form_state->getValue('signing_secrets')) as $secret) {
      if (strlen($secret) < Signature::MIN_SECRET) {
        $form_state->setErrorByName('signing_secrets', $this->t('A signing secret needs at least 16 characters.'));
      }
    }
  }

  /**
   * {@inheritdoc}
   */
  public function submitForm(array &$form, FormStateInterface $form_state): void {
    $config = $this->config('flowdrop_airflow.settings');
    $config->set('base_url', rtrim((string) $form_state->getValue('base_url'), '/'))
      ->set('username', (string) $form_state->getValue('username'))
      ->set('allowed_processors', self::lines($form_state->getValue('allowed_processors')))
      ->set('run_as', (int) $form_state->getValue('run_as'))
      ->set('push', (bool) $form_state->getValue('push'))
      ->set('timeout', (int) $form_state->getValue('timeout'));
    if ((string) $form_state->getValue('password') !== '') {
      $config->set('password', (string) $form_state->getValue('password'));
    }
    $secrets = self::lines($form_state->getValue('signing_secrets'));
    if ($secrets !== []) {
      $config->set('signing_secrets', $secrets);
    }
    $config->save();
    parent::submitForm($form, $form_state);
  }

  /**
   * Says whether Airflow answers, and to whom.
   */
  public function check(): void {
    try {
      $answer = $this->client->call('GET', '/system/version');
      $answer->getStatusCode() === 200
        ? $this->messenger()->addStatus($this->t('Airflow answers, and accepts the user.'))
        : $this->messenger()->addError($this->t('Airflow answered @code.', ['@code' => $answer->getStatusCode()]));
    }
    catch (\Throwable $error) {
      $this->messenger()->addError($this->t('Airflow cannot be used: @why', ['@why' => $error->getMessage()]));
    }
  }

  /**
   * Returns the user with an id, or NULL.
   */
  private function account(int $id): mixed {
    return $id > 0 ? \Drupal::entityTypeManager()->getStorage('user')->load($id) : NULL;
  }

  /**
   * Returns the lines of a text that say something.
   */
  private static function lines(mixed $text): array {
    return array_values(array_filter(array_map('trim', explode("\n", (string) $text)), 'strlen'));
  }

}
